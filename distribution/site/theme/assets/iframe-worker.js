// Search of the pages when they are opened from a disk, where browsers let no page start a worker: the script
// of the worker runs in a hidden frame, and messages are handed over.
if (location.protocol === "file:") {
  window.IFrameWorker = window.Worker = class extends EventTarget {
    constructor(address) {
      super();
      const frame = document.createElement("iframe");
      frame.hidden = true;
      frame.answer = (data) => this.dispatchEvent(new MessageEvent("message", { data }));
      this.started = new Promise((done) => frame.addEventListener("load", () => done(frame.contentWindow)));
      frame.srcdoc =
        "<script>postMessage = (data) => frameElement.answer(data)</" + "script>" +
        '<script src="' + encodeURI(new URL(address, location)) + '"></' + "script>";
      document.body.append(frame);
    }
    postMessage(data) {
      this.started.then((frame) => frame.dispatchEvent(new MessageEvent("message", { data })));
    }
  };
}
