// Scores of all runs as a table for other programs.
{
  const button = document.getElementById("save-scores");
  button?.addEventListener("click", () => {
    const rows = JSON.parse(document.getElementById("score-rows").textContent);
    const cell = (value) => (typeof value === "string" ? `"${value.replaceAll('"', '""')}"` : value ?? "");
    const lines = ["run,class,score,value", ...rows.map((row) => row.map(cell).join(","))];
    const link = document.createElement("a");
    link.href = URL.createObjectURL(new Blob([[...lines, ""].join("\r\n")], { type: "text/csv" }));
    link.download = "scores.csv";
    link.click();
  });
}
