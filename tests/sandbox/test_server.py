from __future__ import annotations

import ast
import http.client
import signal
import socket
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest
from curl_cffi import requests

from sandbox.__main__ import main
from sandbox.server import SandboxServer
from tests.cast import wait_until
from tests.sandbox.client import Admin, ask

ROOT = Path(__file__).resolve().parents[2]


class TestLoopback:
    @pytest.mark.parametrize("host", ["0.0.0.0", "192.0.2.1", "example.com", "::", ""])
    def test_it_refuses_any_other_host(self, host, capsys):
        with pytest.raises(ValueError, match="loopback"):
            SandboxServer(host=host)
        assert main(["--host", host, "--port", "0"]) == 2
        assert "loopback" in capsys.readouterr().err

    def test_it_is_bound_to_loopback(self, server):
        assert server._listener.getsockname()[0] == "127.0.0.1"

    def test_it_may_be_called_localhost(self):
        assert SandboxServer(host="localhost").host == "127.0.0.1"

    def test_it_drops_a_peer_from_elsewhere(self, server, monkeypatch):
        monkeypatch.setattr("sandbox.server.ipaddress.ip_address", lambda text: type("Far", (), {"is_loopback": False}))
        with pytest.raises((http.client.HTTPException, OSError)):
            ask(server, "GET", "/")


class TestServer:
    def test_it_sends_the_headers_of_the_edge(self, omar):
        first, second = omar.me(), omar.me()
        assert first.headers["Server"] == "cloudflare"
        assert first.headers["Cf-Cache-Status"] == "DYNAMIC"
        assert first.headers["X-Oai-Request-Id"] != second.headers["X-Oai-Request-Id"]

    def test_it_keeps_a_connection_alive(self, server, omar):
        connection = http.client.HTTPConnection(server.host, server.port, timeout=10)
        connection.connect()
        sock = connection.sock
        for _ in range(3):
            connection.request("GET", "/backend-api/me", headers={"Authorization": f"Bearer {omar.token}"})
            assert connection.getresponse().read()
        assert connection.sock is sock
        connection.close()

    def test_it_speaks_with_the_real_http_client(self, server, omar):
        with requests.Session(impersonate="chrome", trust_env=False) as session:
            headers = {"Authorization": f"Bearer {omar.token}", "chatgpt-account-id": omar.account_id}
            body = {"email_addresses": ["ana@example.net"], "resend_emails": True}
            url = server.url + omar.path("invites")
            assert session.post(url, json=body, headers=headers).status_code == 200
            assert session.get(url, headers=headers).json()["total"] == 1
            gone = session.request("DELETE", url, json={"email_address": "ana@example.net"}, headers=headers)
            assert gone.status_code == 200
            omar.world.fault("me", {"hang": 20})
            with pytest.raises(requests.exceptions.Timeout):
                session.get(server.url + "/backend-api/me", headers=headers, timeout=0.3)

    @pytest.mark.parametrize(
        "raw",
        [
            b"nonsense\r\n\r\n",
            b"POST /oauth/token HTTP/1.1\r\nContent-Length: much\r\n\r\n",
            b"POST /oauth/token HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        ],
    )
    def test_it_answers_400_to_what_is_no_request(self, server, raw):
        with socket.create_connection((server.host, server.port), timeout=10) as sock:
            sock.sendall(raw)
            assert sock.recv(4096).startswith(b"HTTP/1.1 400 ")

    def test_it_serves_many_at_once(self, server, omar):
        server.world.set_latency(1)
        gate, statuses = threading.Barrier(60), []

        def visit():
            gate.wait(60)
            statuses.append(omar.members(timeout=60).status)

        threads = [threading.Thread(target=visit) for _ in range(60)]
        started = time.perf_counter()
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(90)
        assert statuses == [200] * 60
        # One after the other would take a minute.
        assert time.perf_counter() - started < 30

    def test_latency_is_of_the_backend_only(self, server, omar, monkeypatch):
        slept = []
        monkeypatch.setattr("sandbox.server.time.sleep", slept.append)
        server.world.set_latency(0.3)
        ask(server, "GET", "/__sandbox__/dump")
        ask(server, "GET", "/")
        assert slept == []
        omar.me()
        assert sum(slept) == pytest.approx(0.3)

    def test_it_refuses_connections_for_a_while(self, server, omar, monkeypatch):
        timers = []

        class Timer:
            def __init__(self, seconds, deed):
                timers.append((seconds, deed))

            def start(self):
                """The test lets the time pass."""

            cancel = start

        monkeypatch.setattr("sandbox.server.threading.Timer", Timer)
        assert ask(server, "POST", "/__sandbox__/refuse", body={"seconds": 3}).data == {"refusing_for": 3}
        with pytest.raises(ConnectionRefusedError):
            omar.me()
        ((seconds, come_back),) = timers
        assert seconds == 3
        come_back()
        assert omar.me().status == 200

    def test_it_stops_and_starts_again_on_its_port(self):
        server = SandboxServer(teams=1)
        server.start()
        port, idle = server.port, socket.create_connection((server.host, server.port), timeout=10)
        assert Admin(server).me().status == 200
        server.stop()
        server.stop()
        assert idle.recv(1) == b""
        idle.close()
        with pytest.raises(ConnectionRefusedError):
            Admin(server).me()
        server.start()
        assert server.port == port
        assert Admin(server).me().status == 200
        server.stop()

    def test_it_leaves_no_thread_behind(self):
        before = set(threading.enumerate())
        server = SandboxServer(teams=1)
        server.start()
        server.world.fault("me", {"hang": 60})
        omar = Admin(server)
        with pytest.raises(TimeoutError):
            omar.ask("GET", "/backend-api/me", timeout=0.1)
        server.stop()
        # One that was at its end already is gone within moments.
        assert wait_until(lambda: set(threading.enumerate()) <= before)

    def test_its_own_defect_is_an_answer_and_not_a_silence(self, server, omar, monkeypatch, caplog):
        monkeypatch.setattr(server.world, "now", lambda: 1 / 0)
        answer = omar.me()
        assert answer.status == 500
        assert "sandbox itself" in answer.data["detail"]
        assert "ZeroDivisionError" in caplog.text


class TestModules:
    @pytest.mark.parametrize("path", sorted((ROOT / "sandbox").glob("*.py")), ids=lambda path: path.name)
    def test_it_imports_the_standard_library_only(self, path):
        imported = set()
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Import):
                imported |= {alias.name.partition(".")[0] for alias in node.names}
            elif isinstance(node, ast.ImportFrom):
                imported.add((node.module or "").partition(".")[0])
        assert imported - {"sandbox"} <= set(sys.stdlib_module_names)


class TestProgram:
    def run(self, *arguments):
        command = [sys.executable, "-m", "sandbox", "--port", "0", "--latency", "0", *arguments]
        pipe = subprocess.PIPE
        return subprocess.Popen(command, cwd=ROOT, stdin=pipe, stdout=pipe, stderr=pipe, text=True)

    def url(self, process):
        line = process.stdout.readline().strip()
        assert line.startswith("sandbox ready on http://127.0.0.1:")
        return line.rpartition(" ")[2]

    def test_it_ends_cleanly_on_sigterm(self):
        with self.run("--teams", "3", "--seats", "6", "--lag", "5") as process:
            port = int(self.url(process).rpartition(":")[2])
            server = type("There", (), {"host": "127.0.0.1", "port": port})
            dump = ask(server, "GET", "/__sandbox__/dump").data
            assert [w["seats_entitled"] for w in dump["workspaces"]] == [6, 6, 6]
            assert dump["lag"] == 5
            process.send_signal(signal.SIGTERM)
            assert process.wait(10) == 0
            assert process.stderr.read() == ""

    def test_it_answers_to_its_name(self):
        with self.run("--name", "ours", "--watch-stdin") as process:
            port = int(self.url(process).rpartition(":")[2])
            server = type("There", (), {"host": "127.0.0.1", "port": port})
            assert ask(server, "GET", "/__sandbox__/name").data == {"name": "ours"}
            process.stdin.close()
            process.wait(10)

    def test_it_ends_with_its_parent_when_told_to_watch(self):
        with self.run("--watch-stdin") as process:
            self.url(process)
            process.stdin.close()
            assert process.wait(10) == 0

    def test_it_says_when_the_port_is_taken(self, server, capsys):
        assert main(["--port", str(server.port)]) == 2
        assert "in use" in capsys.readouterr().err
