"""The page in a headless Chromium against a server: page.py HEMET ARTIFACT PAGE CHROMIUM.

The page asks for the class of an input and of a picture, and must get what `hemet client predict` gets. Everything that it sends goes
through here: neither the input nor a picture of it may be in it.
"""

import http.client
import http.server
import json
import pathlib
import re
import shutil
import struct
import subprocess
import sys
import tempfile
import threading
import time
import zlib

hemet, artifact, page, chromium = (str(pathlib.Path(path).absolute()) for path in sys.argv[1:])
folder = pathlib.Path(tempfile.mkdtemp())
(folder / "models").mkdir()
shutil.copy(artifact, folder / "models" / "one.hemet")
serve = [hemet, "serve", "models", "--listen", "127.0.0.1:0", "--store", "store", "--port-file", "port"]
server = subprocess.Popen(serve, cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
sent = []


class Page(http.server.SimpleHTTPRequestHandler):
    """The page's files, and the server behind /v2."""

    def __init__(self, *arguments):
        super().__init__(*arguments, directory=page)

    def log_message(self, *_):
        pass

    def forward(self):
        body = self.rfile.read(int(self.headers.get("content-length", 0)))
        sent.append(self.path.encode() + str(self.headers).encode() + body)
        server_side = http.client.HTTPConnection("127.0.0.1", port)
        headers = {k: v for k, v in self.headers.items() if k.lower() not in ("host", "connection")}
        server_side.request(self.command, self.path, body, headers)
        answer = server_side.getresponse()
        content = answer.read()
        self.send_response(answer.status)
        for name, value in answer.getheaders():
            if name.lower() not in ("connection", "transfer-encoding", "content-length"):
                self.send_header(name, value)
        self.send_header("content-length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def do_GET(self):
        self.forward() if self.path.startswith("/v2") else super().do_GET()

    do_PUT = do_POST = forward


def started():
    """The server's port, once it listens."""
    for _ in range(200):
        if server.poll() is not None:
            sys.exit(server.stdout.read())
        if (folder / "port").exists() and (text := (folder / "port").read_text().strip()):
            return int(text)
        time.sleep(0.05)
    sys.exit("the server does not listen")


def png(shape, pixels):
    """A PNG file of bytes [channels][height][width]."""
    channels, height, width = shape
    plane = height * width
    rows = b"".join(
        b"\0" + bytes(pixels[c * plane + y * width + x] for x in range(width) for c in range(channels))
        for y in range(height)
    )

    def chunk(kind, content):
        sealed = kind + content
        return struct.pack(">I", len(content)) + sealed + struct.pack(">I", zlib.crc32(sealed))

    head = struct.pack(">IIBBBBB", width, height, 8, {1: 0, 3: 2}[channels], 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")


try:
    port = started()
    proxy = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Page)
    threading.Thread(target=proxy.serve_forever, daemon=True).start()
    asked = http.client.HTTPConnection("127.0.0.1", port)

    def told(path):
        asked.request("GET", path)
        return json.loads(asked.getresponse().read())

    [name] = set(told("/v2/models")["models"]) - {"one"} or ["one"]
    shape = told(f"/v2/models/{name}")["parameters"]["client_spec"]["input"]["shape"]
    count = shape[0] * shape[1] * shape[2]
    values = [(7 * i * i + 3 * i) % 17 / 16 for i in range(count)]

    (folder / "input.txt").write_text(" ".join(map(str, values)))
    bytes_ = [(5 * i * i + 11 * i) % 256 for i in range(count)]
    (folder / "picture.png").write_bytes(png(shape, bytes_))
    shutil.copy(folder / "picture.png", pathlib.Path(page) / "picture.png")
    url = f"http://127.0.0.1:{port}/v2/models/{name}"
    subprocess.run([hemet, "client", "keygen", url, "--out", "keys"], cwd=folder, check=True, capture_output=True)
    wishes = {"input.txt": "input=" + ",".join(map(str, values)), "picture.png": "picture=picture.png"}
    for file, wish in wishes.items():
        ask = [hemet, "client", "predict", url, "--keys", "keys", file, "--json"]
        told_by_client = subprocess.run(ask, cwd=folder, check=True, capture_output=True).stdout
        expected = json.loads(told_by_client.splitlines()[0])
        address = f"http://127.0.0.1:{proxy.server_address[1]}/index.html#model=/v2/models/{name}&{wish}"
        browse = [chromium, "--headless", "--no-sandbox", "--disable-gpu", "--virtual-time-budget=120000", "--dump-dom"]
        browse += [f"--user-data-dir={folder / 'profile'}", address]
        shown = subprocess.run(browse, check=True, capture_output=True, text=True, timeout=300).stdout
        title = re.search(r"<title>(.*?)</title>", shown).group(1)
        assert title.startswith("{"), f"{title}: {re.sub('<[^>]*>', '', shown)[-600:]}"
        answer = json.loads(title.replace("&quot;", '"'))
        assert answer["class"] == expected["class"], (file, answer, expected)
        for ours, theirs in zip(answer["logits"], expected["logits"], strict=True):
            assert abs(ours - theirs) < 0.05, (file, answer, expected)

    traffic = b"".join(sent)
    assert len(traffic) > 100_000, "keys and a request were sent"
    for kind in ("<f", "<d"):
        for start in range(0, count - 4, 4):
            piece = struct.pack(f"{kind[0]}4{kind[1]}", *values[start : start + 4])
            assert piece not in traffic, "the input was sent in the clear"
    assert ",".join(map(str, values[:4])).encode() not in traffic
    print(f"the page's answer is class {answer['class']}, in {answer['server_ms']:.1f} ms on the server")
finally:
    server.terminate()
    server.wait(15)
    shutil.rmtree(folder, ignore_errors=True)
