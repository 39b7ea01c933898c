"""HTTP for measurements: a server, and clients with and without a proxy. Heads are few and bodies are large, so Python does not count.

  http.py serve PORT                              GET /N gives N bytes, GET /received how many were uploaded so far; connections are kept
  http.py stream HOST PORT SECONDS [PROXY PORT]   one response, for so long; "tunnel" before PROXY asks for a tunnel first
  http.py upload HOST PORT SECONDS [PROXY PORT]   one request's body, for so long; counted where it arrives
  http.py rr HOST PORT SECONDS [PROXY PORT]       small requests one after the other
"""
import json
import socket
import sys
import threading
import time

PIECE = bytes(1 << 20)
ENDLESS = 1 << 50
received = 0


def head(s, rest=b""):
    while b"\r\n\r\n" not in rest:
        piece = s.recv(65536)
        if not piece:
            return None, b""
        rest += piece
    at = rest.index(b"\r\n\r\n") + 4
    return rest[:at], rest[at:]


def serve_one(s):
    global received
    rest, sink = b"", bytearray(1 << 20)
    try:
        s.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        while True:
            h, rest = head(s, rest)
            if h is None:
                return
            if h.startswith(b"PUT"):
                received += len(rest)
                while n := s.recv_into(sink):
                    received += n
                return
            if h.startswith(b"GET /received "):
                said = str(received).encode()
                s.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s" % (len(said), said))
                continue
            n = int(h.split(b" ")[1].lstrip(b"/"))
            s.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % n + PIECE[:min(n, 1000)])
            n -= min(n, 1000)
            while n > 0:
                s.sendall(PIECE[:n] if n < len(PIECE) else PIECE)
                n -= len(PIECE)
    except OSError:
        pass
    finally:
        s.close()


def serve(port):
    listener = socket.create_server(("", port), backlog=1024)
    print("ready", flush=True)
    while True:
        threading.Thread(target=serve_one, args=(listener.accept()[0],), daemon=True).start()


def connect(host, port, way):
    tunnel = way[:1] == ["tunnel"]
    place = way[-2:] or [host, port]
    s = socket.create_connection((place[0], int(place[1])))
    s.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    if tunnel:
        s.sendall(f"CONNECT {host}:{port} HTTP/1.1\r\nHost: x\r\n\r\n".encode())
        h, _ = head(s)
        assert b" 200 " in h, h
    return s, f"http://{host}:{port}" if way and not tunnel else ""


def stream(host, port, seconds, way):
    s, prefix = connect(host, port, way)
    s.sendall(f"GET {prefix}/{ENDLESS} HTTP/1.1\r\nHost: x\r\n\r\n".encode())
    buffer, total, start = bytearray(1 << 20), 0, time.monotonic()
    while (elapsed := time.monotonic() - start) < seconds:
        n = s.recv_into(buffer)
        assert n
        total += n
    return {"gbps": total * 8 / elapsed / 1e9}


def upload(host, port, seconds, way):
    asking, _ = connect(host, port, [])
    s, prefix = connect(host, port, way)
    s.sendall(f"PUT {prefix}/ HTTP/1.1\r\nHost: x\r\nContent-Length: {ENDLESS}\r\n\r\n".encode())
    before, start = uploaded(asking), time.monotonic()
    while time.monotonic() - start < seconds:
        s.sendall(PIECE)
    after, elapsed = uploaded(asking), time.monotonic() - start
    return {"gbps": (after - before) * 8 / elapsed / 1e9}


def uploaded(asking):
    asking.sendall(b"GET /received HTTP/1.1\r\nHost: x\r\n\r\n")
    h, rest = head(asking)
    length = int(h.lower().split(b"content-length: ")[1].split(b"\r\n")[0])
    while len(rest) < length:
        rest += asking.recv(65536)
    return int(rest)


def rr(host, port, seconds, way):
    s, prefix = connect(host, port, way)
    request = f"GET {prefix}/100 HTTP/1.1\r\nHost: {host}:{port}\r\n\r\n".encode()
    took, end = [], time.monotonic() + seconds
    while not took or time.monotonic() < end:
        start = time.monotonic()
        s.sendall(request)
        _, rest = head(s)
        while len(rest) < 100:
            piece = s.recv(65536)
            assert piece
            rest += piece
        took.append(time.monotonic() - start)
    took.sort()
    return {"n": len(took), "p50_us": took[len(took) // 2] * 1e6, "p99_us": took[len(took) * 99 // 100] * 1e6}


if __name__ == "__main__":
    what, arguments = sys.argv[1], sys.argv[2:]
    if what == "serve":
        serve(int(arguments[0]))
    else:
        print(json.dumps({"stream": stream, "upload": upload, "rr": rr}[what](arguments[0], arguments[1], float(arguments[2]), arguments[3:])))
