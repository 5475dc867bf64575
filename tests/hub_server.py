"""A hub of one's own: it speaks what pushing and fetching need of the Hugging Face hub's protocol."""

import base64
import hashlib
import json
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler
from urllib.parse import unquote, urlsplit

from served import running

TOKEN = "hf_of_the_tests"


@dataclass
class Hub:
    """What the hub holds: of each repository its files; and what it was asked."""

    address: str = ""
    repos: dict[str, dict[str, bytes]] = field(default_factory=dict)
    private: dict[str, bool] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)

    def commit(self, repo: str) -> str:
        """Name of what a repository holds now."""
        parts = (f"{name}\0".encode() + content for name, content in sorted(self.repos[repo].items()))
        return hashlib.sha1(b"".join(parts)).hexdigest()


class Answers(BaseHTTPRequestHandler):
    """One answer for each question that ``huggingface_hub`` asks."""

    hub: Hub

    def do_GET(self) -> None:
        self.hub.asked.append(f"{self.command} {self.path}")
        path = unquote(urlsplit(self.path).path)
        if path == "/api/whoami-v2":
            self._json(
                {"name": "me", "type": "user", "orgs": []} if self._is_known() else {}, self._is_known()
            )
        elif found := re.fullmatch(r"/api/models/(.+?)(?:/revision/([^/]+))?", path):
            self._info(found[1])
        elif found := re.fullmatch(r"/(.+)/resolve/([^/]+)/(.+)", path):
            self._file(found[1], found[3])
        else:
            self._json({"error": "unknown"}, False, 404)

    def do_HEAD(self) -> None:
        self.do_GET()

    def do_POST(self) -> None:
        self.hub.asked.append(f"POST {self.path}")
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        path = unquote(urlsplit(self.path).path)
        if not self._is_known():
            self._json({"error": "Invalid username or password."}, False, 401)
        elif path == "/api/repos/create":
            self._create(json.loads(body))
        elif path.endswith("/preupload/main"):
            files = [
                {"path": one["path"], "uploadMode": "regular", "shouldIgnore": False}
                for one in json.loads(body)["files"]
            ]
            self._json({"files": files})
        elif found := re.fullmatch(r"/api/models/(.+)/commit/main", path):
            self._commit(found[1], body)
        else:
            self._json({}, True)

    def _create(self, asked: dict) -> None:
        repo = f"{asked.get('organization') or 'me'}/{asked['name']}"
        if repo in self.hub.repos:
            self._json({"error": "You already created this model repo", "url": self._page(repo)}, False, 409)
            return
        self.hub.repos[repo], self.hub.private[repo] = (
            {".gitattributes": b""},
            asked["visibility"] == "private",
        )
        self._json({"url": self._page(repo), "name": repo})

    def _page(self, repo: str) -> str:
        return f"{self.hub.address}/{repo}"

    def _commit(self, repo: str, body: bytes) -> None:
        for line in body.splitlines():
            row = json.loads(line)
            if row["key"] == "file":
                self.hub.repos[repo][row["value"]["path"]] = base64.b64decode(row["value"]["content"])
        oid = self.hub.commit(repo)
        self._json(
            {"commitUrl": f"{self.hub.address}/{repo}/commit/{oid}", "commitOid": oid, "success": True}
        )

    def _info(self, repo: str) -> None:
        if repo not in self.hub.repos:
            self._json({"error": "Repository not found"}, False, 404, {"X-Error-Code": "RepoNotFound"})
            return
        files = [
            {"rfilename": name, "size": len(content), "blobId": hashlib.sha1(content).hexdigest()}
            for name, content in self.hub.repos[repo].items()
        ]
        self._json(
            {
                "id": repo,
                "modelId": repo,
                "sha": self.hub.commit(repo),
                "siblings": files,
                "tags": [],
                "private": False,
            }
        )

    def _file(self, repo: str, name: str) -> None:
        content = self.hub.repos.get(repo, {}).get(name)
        if content is None:
            self._json({"error": "Entry not found"}, False, 404, {"X-Error-Code": "EntryNotFound"})
            return
        etag = hashlib.sha1(content).hexdigest()
        self._send(200, content, {"ETag": f'"{etag}"', "X-Repo-Commit": self.hub.commit(repo)})

    def _is_known(self) -> bool:
        return self.headers.get("Authorization") == f"Bearer {TOKEN}"

    def _json(self, answer: dict, ok: bool = True, status: int = 401, more: dict | None = None) -> None:
        headers = {"Content-Type": "application/json"} | (more or {})
        self._send(200 if ok else status, json.dumps(answer).encode(), headers)

    def _send(self, status: int, content: bytes, headers: dict[str, str]) -> None:
        self.send_response(status)
        for name, value in {**headers, "Content-Length": str(len(content))}.items():
            self.send_header(name, value)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(content)

    def log_message(self, format: str, *args: object) -> None:
        """Keep quiet."""


@contextmanager
def a_hub(handler: type[Answers] = Answers) -> Iterator[Hub]:
    """Serve an empty hub."""
    hub = Hub()
    with running(type("Answers", (handler,), {"hub": hub})) as hub.address:
        yield hub
