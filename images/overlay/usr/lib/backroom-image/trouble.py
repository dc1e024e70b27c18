"""The page of a box that does not sell: what is wrong and what to do, in plain words, on the ports given.

It needs nothing but Python and /run: neither the data partition nor the gateway's own program.
"""

import html
import os
import socket
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

PAGE = """<!doctype html>
<html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<meta http-equiv="refresh" content="15"><title>Backroom does not sell</title>
<style>
body {{ font: 18px/1.5 sans-serif; max-width: 42em; margin: 3em auto; padding: 0 1em }}
h1 {{ color: #a00 }}
pre {{ white-space: pre-wrap }}
</style>
<h1>This box does not sell</h1>
<p>{what}</p>
<h2>What to do</h2>
<ol>{steps}</ol>
<p><small>{name}, up for {minutes} min. This page looks again every 15 seconds.</small></p>
</html>
"""
TRY_AGAIN = "Or wait: the box starts again by itself 15 minutes after its last start, in case a contact was bad."


def wrong() -> tuple[str, list[str]]:
    """What is wrong, as HTML; what to do, in order."""
    problem = _text("/run/backroom-data/problem")
    if problem:
        return f"The data partition of its card is there, but {html.escape(problem)}. No sale was taken since.", [
            "Keep this card: sales that headquarters does not have may still be on it.",
            "Put in a freshly written card with this store's backroom.toml, and send the old one to support.",
        ]
    if not os.path.ismount("/var/lib/backroom"):
        if _text("/run/backroom-trouble/found"):
            what = "The data partition of its card was found, but could not be opened in time."
        else:
            what = "The data partition of its card was not found: the card is worn out, or was written only in part."
        return what, [
            "Switch the box off, take the card out and put it in again, switch it on.",
            "If this page comes again: write the image to a new card, put backroom.toml on it, and keep the old one.",
            TRY_AGAIN,
        ]
    told = _text("/run/backroom-trouble/result") or "There was no configuration on the card's first partition."
    return f"It has no configuration yet. This is what it said at its start:</p><pre>{html.escape(told)}</pre><p>", [
        "Switch the box off and put its card into a computer: the volume BACKROOM opens.",
        "Write backroom.toml there (backroom.toml.example shows how), and its secrets into backroom-secrets.",
        "Put the card back and switch the box on; backroom-result.txt on the card says what it made of it.",
    ]


def page() -> bytes:
    what, steps = wrong()
    minutes = int(float(_text("/proc/uptime").split()[0])) // 60
    items = "".join(f"<li>{html.escape(step)}</li>" for step in steps)
    text = PAGE.format(what=what, steps=items, name=html.escape(socket.gethostname()), minutes=minutes)
    return text.encode()


def _text(path: str) -> str:
    try:
        return Path(path).read_text(encoding="utf-8", errors="replace").strip()
    except OSError:
        return ""


class Handler(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        """503 on every path, so that no monitor and no till takes this page for a gateway."""
        content = page()
        self.send_response(503)
        self.send_header("Content-Type", "text/html; charset=utf-8")
        self.send_header("Content-Length", str(len(content)))
        self.send_header("Cache-Control", "no-store")
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(content)

    do_HEAD = do_POST = do_GET


class Server(ThreadingHTTPServer):
    address_family = socket.AF_INET6
    daemon_threads = True

    def server_bind(self) -> None:
        self.socket.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)
        super().server_bind()


if __name__ == "__main__":
    servers = [Server(("::", int(port)), Handler) for port in sys.argv[1:]]
    threads = [threading.Thread(target=server.serve_forever) for server in servers]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
