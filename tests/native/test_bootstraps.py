"""Bootstraps of the runtime `custom`: well-behaved, broken and hostile."""

import json
import os

import pytest

import box

API = "http://$AWS_LAMBDA_RUNTIME_API/2018-06-01/runtime"
SHELL = f'''#!/bin/sh
while :; do
  event=$(curl -sS -D /tmp/head "{API}/invocation/next")
  id=$(sed -n 's/^Lambda-Runtime-Aws-Request-Id: \\(.*\\)\\r$/\\1/p' /tmp/head)
  echo "got $event"
  curl -sS -d "$event" "{API}/invocation/$id/response" >/dev/null
done
'''

# Raw HTTP for the cases that no client would make.
RAW = '''#!/usr/bin/python3 -I
import os, re, socket, sys, time
PREFIX = "/2018-06-01/runtime"
def connect():
    return socket.create_connection(os.environ["AWS_LAMBDA_RUNTIME_API"].split(":"))
def request(method, path, body=b"", more=""):
    with connect() as s:
        s.sendall(f"{method} {PREFIX}{path} HTTP/1.1\\r\\nConnection: close\\r\\nContent-Length: {len(body)}\\r\\n{more}\\r\\n".encode() + body)
        answer = b""
        while (data := s.recv(65536)):
            answer += data
    return int(answer.split()[1]), answer
def next_id():
    status, answer = request("GET", "/invocation/next")
    return re.search(rb"Request-Id: (.*)\\r", answer)[1].decode()
'''


@pytest.fixture
def bootstrap(directory):
    def start(text):
        box.write_files(directory, {"bootstrap": text})
        return box.function(directory)
    return start


def test_a_shell_script(bootstrap):
    with bootstrap(SHELL) as instance:
        assert instance.start() is None
        for n in range(5):
            assert instance.invoke({"n": n}) == (200, {}, json.dumps({"n": n}).encode())
        assert 'got {"n": 4}' in instance.text()


def test_text_is_an_answer_when_it_does_not_claim_to_be_json(bootstrap):
    with bootstrap(SHELL.replace('-d "$event"', '-d "Hello, world"')) as instance:
        instance.start()
        assert instance.invoke({}) == (200, {}, b'"Hello, world"')


def test_large_events_and_bodies(bootstrap):
    text = "x" * (6 * 1024 * 1024 - 100)
    script = RAW + 'i = next_id()\nrequest("POST", f"/invocation/{i}/response", b"1")\nnext_id()\n'
    with bootstrap(script) as instance:
        instance.start()
        assert instance.invoke(text) == (200, {}, b"1")


def test_curl_waits_for_continue(bootstrap):
    script = SHELL.replace('-d "$event"', "--data-binary @/tmp/big").replace("while :", "yes 1 | tr -d '\\n' | head -c 3000000 >/tmp/big\nwhile :")
    with bootstrap(script) as instance:
        instance.start()
        assert instance.invoke({})[2] == b"1" * 3000000
        assert instance.invoke_ms < 5000


def test_init_errors(bootstrap):
    script = f'''#!/bin/sh
curl -sS -H "Lambda-Runtime-Function-Error-Type: Runtime.Bad" -d '{{"errorMessage":"no config"}}' "{API}/init/error"
exit 1
'''
    with bootstrap(script) as instance:
        assert instance.start() == {"type": "Runtime.Bad", "message": "no config", "stack": []}
        assert instance.wait() == 1


@pytest.mark.parametrize("text, contains", [
    (None, "cannot be run: No such file or directory"),
    ("#!/no/such/interpreter\n", "cannot be run: No such file or directory"),
    ("just text", "cannot be run: Exec format error"),
])
def test_bootstraps_that_cannot_be_run(directory, text, contains):
    if text is not None:
        box.write_files(directory, {"bootstrap": text})
    with box.function(directory) as instance:
        fault = instance.start()
        assert fault["type"] == "Runtime.InvalidEntrypoint"
        assert contains in fault["message"]
        assert instance.wait() == 1


@pytest.mark.parametrize("ending, code", [("exit 0", 0), ("exit 7", 7), ("kill -9 $$", 137)])
def test_the_end_of_a_bootstrap_is_the_end(bootstrap, ending, code):
    with bootstrap(f"#!/bin/sh\nsleep 600 &\n{ending}\n") as instance:
        instance.greet().configure()
        with pytest.raises(box.Gone):
            instance.receive()
        assert instance.wait() == code


def test_what_was_said_last_is_heard(bootstrap):
    script = RAW + '''
i = next_id()
s = connect()
s.sendall(f"POST {PREFIX}/invocation/{i}/response HTTP/1.1\\r\\nContent-Length: 3000002\\r\\n\\r\\n".encode() + b'"' + b"x" * 3000000 + b'"')
os._exit(0)
'''
    with bootstrap(script) as instance:
        instance.start()
        assert len(instance.invoke({})[2]) == 3000002


def test_sigterm_reaches_the_bootstrap(bootstrap):
    with bootstrap(RAW + "import signal\nsignal.signal(15, lambda *_: os._exit(5))\nnext_id()\n") as instance:
        instance.start()
        instance.terminate()
        assert instance.wait(10) == 5


def test_orphans_are_reaped(bootstrap):
    script = RAW + '''
import subprocess
i = next_id()
subprocess.run(["sh", "-c", "for i in 1 2 3; do (sleep 0.01 &) done"])
time.sleep(0.3)
states = [open(f"/proc/{p}/stat").read().split()[2] for p in os.listdir("/proc") if p.isdigit()]
request("POST", f"/invocation/{i}/response", str(states.count("Z")).encode())
next_id()
'''
    with bootstrap(script) as instance:
        instance.start()
        assert instance.invoke({})[2] == b"0"


HOSTILE = {
    "answers twice": ('a = request("POST", f"/invocation/{i}/response", b"1")[0]\nb = request("POST", f"/invocation/{i}/response", b"2")[0]\nassert (a, b) == (202, 403)', b"1"),
    "answers for another": ('assert request("POST", "/invocation/req-0/response", b"2")[0] == 400\nrequest("POST", f"/invocation/{i}/response", b"1")', b"1"),
    "asks for the next too early": ('assert request("GET", "/invocation/next")[0] == 403\nrequest("POST", f"/invocation/{i}/response", b"1")', b"1"),
    "tells an init error too late": ('assert request("POST", "/init/error")[0] == 403\nrequest("POST", f"/invocation/{i}/response", b"1")', b"1"),
    "sends garbage": ('s = connect(); s.sendall(os.urandom(200000) + b"\\n"); s.close()\nrequest("POST", f"/invocation/{i}/response", b"1")', b"1"),
    "sends endless headers": ('s = connect()\ntry:\n  for _ in range(400): s.sendall(b"x" * 10000)\nexcept OSError: pass\nrequest("POST", f"/invocation/{i}/response", b"1")', b"1"),
    "sends an endless trace": ('assert request("POST", f"/invocation/{i}/response", b"1", "Lambda-Runtime-Function-XRay-Error-Cause: " + "x" * (1 << 20) + "\\r\\n")[0] == 202', b"1"),
    "opens many connections": ('held = [connect() for _ in range(15)]\nrequest("POST", f"/invocation/{i}/response", b"1")', b"1"),
    "cuts a request": ('s = connect(); s.sendall(b"POST / HTTP/1.1\\r\\nContent-Length: 99\\r\\n\\r\\nx"); s.close()\nrequest("POST", f"/invocation/{i}/response", b"1")', b"1"),
    "talks to the pool itself": ('for fd in range(3, 64):\n  try: os.write(fd, b"\\0" * 64)\n  except OSError: pass\nrequest("POST", f"/invocation/{i}/response", b"1")', b"1"),
    "reads our memory": ('try:\n  open("/proc/1/mem", "rb")\n  n = b"2"\nexcept OSError:\n  n = b"1"\nrequest("POST", f"/invocation/{i}/response", n)', b"1"),
    "kills us": ('import signal\nfor s in range(1, 65):\n  try: os.kill(1, s) if s not in (15, 17) else None\n  except OSError: pass\nrequest("POST", f"/invocation/{i}/response", b"1")', b"1"),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile(bootstrap, name):
    code, body = HOSTILE[name]
    with bootstrap(RAW + "i = next_id()\n" + code + "\ni = next_id()\n" + 'request("POST", f"/invocation/{i}/response", b"3")\nnext_id()\n') as instance:
        assert instance.start() is None
        assert instance.invoke({}) == (200, {}, body), instance.text()
        assert instance.invoke({}) == (200, {}, b"3"), instance.text()


def test_the_end_of_the_pool_is_the_end(bootstrap):
    with bootstrap(SHELL) as instance:
        instance.start()
        instance.channel.close()
        assert instance.wait(10) == 0


def test_a_broken_pool_is_not_followed(bootstrap):
    with bootstrap(SHELL) as instance:
        instance.start()
        instance.send(box.CONFIG, os.urandom(16), b"{}")
        assert instance.wait(10) == 1
