"""What works in a fork of python, and that forks are unlike each other."""

import os
import time

import pytest
from zygote import code

ABILITIES = {
    "threads": "import threading\nout = []\nt = threading.Thread(target=lambda: out.append(1))\nt.start()\nt.join()\nreturn out == [1]",
    "thread pools": "from concurrent.futures import ThreadPoolExecutor\nwith ThreadPoolExecutor(4) as pool:\n  return list(pool.map(abs, [-1, -2])) == [1, 2]",
    "subprocess": "import subprocess\nreturn subprocess.run(['echo', 'hi'], capture_output=True).stdout == b'hi\\n'",
    "fork": "import os\npid = os.fork()\nif pid == 0:\n  os._exit(3)\nreturn os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 3",
    "terminated fork": "import os, signal, time\npid = os.fork()\nif pid == 0:\n  time.sleep(20)\nos.kill(pid, signal.SIGTERM)\n"
                       "return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == -15",
    "asyncio": "import asyncio\nasync def f():\n  await asyncio.sleep(0.001)\n  return await asyncio.to_thread(len, 'abc')\n"
               "loop = asyncio.new_event_loop()\nreturn loop.run_until_complete(f()) == 3",
    "asyncio subprocess": "import asyncio\nasync def f():\n  p = await asyncio.create_subprocess_exec('echo', 'hi', stdout=-1)\n"
                          "  return (await p.communicate())[0]\nloop = asyncio.new_event_loop()\n"
                          "return loop.run_until_complete(f()) == b'hi\\n'",
    "sockets": "import socket\ns = socket.create_server(('127.0.0.1', 0))\nc = socket.create_connection(s.getsockname())\n"
               "a, _ = s.accept()\na.sendall(b'x')\nreturn c.recv(1) == b'x'",
    "http": "import http.server, threading, urllib.request\nclass H(http.server.BaseHTTPRequestHandler):\n  def do_GET(self):\n"
            "    self.send_response(200)\n    self.end_headers()\n    self.wfile.write(b'hi')\n"
            "  def log_message(self, *a):\n    pass\ns = http.server.HTTPServer(('127.0.0.1', 0), H)\n"
            "threading.Thread(target=s.serve_forever, daemon=True).start()\n"
            "return urllib.request.urlopen('http://127.0.0.1:%d' % s.server_port).read() == b'hi'",
    "logging": "import logging\nlogging.getLogger().warning('seen')\nreturn True",
    "signals": "import os, signal\ngot = []\nsignal.signal(signal.SIGUSR1, lambda *a: got.append(1))\n"
               "os.kill(os.getpid(), signal.SIGUSR1)\nreturn got == [1]",
    "default of SIGTERM": "import signal\nreturn signal.getsignal(signal.SIGTERM) == signal.SIG_DFL",
    "garbage": "import gc\nclass A:\n  pass\nfor _ in range(50000):\n  a = A()\n  a.a = a\nreturn gc.isenabled() and gc.collect() >= 0",
    "temporary files": "import tempfile\nwith tempfile.NamedTemporaryFile() as f:\n  f.write(b'x')\n  return f.tell() == 1",
    "sqlite": "import sqlite3\nreturn sqlite3.connect(':memory:').execute('select 1 + 1').fetchone() == (2,)",
    "pid": "import os\nreturn os.getpid() == int(os.readlink('/proc/self'))",
    "clean modules": "import sys\nreturn 'function' not in sys.modules and not any('runtimes' in p or '/var/runtime' in p for p in sys.path)",
    "arguments": "import sys\nreturn len(sys.argv) == 1 and sys.argv[0].endswith('shim.py')",
    "time zone": "import os, time\nos.environ['TZ'] = 'America/New_York'\ntime.tzset()\nreturn time.localtime(0).tm_hour == 19",
    "system random": "import secrets, random\nreturn len(secrets.token_hex(8)) == 16 and 0 <= random.SystemRandom().random() < 1",
    "multiprocessing": "import multiprocessing\nq = multiprocessing.get_context('fork').Pipe()\n"
                       "p = multiprocessing.get_context('fork').Process(target=q[0].send, args=(7,))\np.start()\np.join()\n"
                       "return q[1].recv() == 7 and p.exitcode == 0",
}


def indent(body):
    return "\n".join("  " + line for line in body.split("\n"))


PROGRAM = "\n".join(f"def f{i}():\n{indent(body)}" for i, body in enumerate(ABILITIES.values())) + (
    "\nabilities = dict(zip(%r, [%s]))\ndef handler(name, context):\n  return abilities[name]()\n" % (
        list(ABILITIES), ", ".join(f"f{i}" for i in range(len(ABILITIES)))))


@pytest.mark.parametrize("ability", ABILITIES)
def test_can(python, ability):
    with code(main_py=PROGRAM) as path:
        assert python.fork().load(path, python.handler).call(b'"%s"' % ability.encode()) is True


def test_everything_in_one_process(python):
    with code(main_py=PROGRAM) as path:
        instance = python.fork().load(path, python.handler)
        for ability in ABILITIES:
            assert instance.call(b'"%s"' % ability.encode()) is True, ability


UNIQUE = """
import os, random, secrets, ssl, tempfile, uuid
def handler(event, context):
    return [random.random(), random.getrandbits(64), secrets.token_hex(8), str(uuid.uuid4()), str(uuid.uuid1()),
            ssl.RAND_bytes(8).hex(), os.urandom(8).hex(), next(tempfile._get_candidate_names())]
"""


def test_forks_are_unlike_each_other(python):
    seen = None
    with code(main_py=UNIQUE) as path:
        for _ in range(1000):
            values = python.fork().load(path, python.handler).call()
            seen = seen or [set() for _ in values]
            for known, value in zip(seen, values):
                known.add(value)
            python.close_instances()
    assert [len(known) for known in seen] == [1000] * len(seen)


def test_calls_share_an_event_loop(python):
    source = ("import asyncio\nkept = []\nasync def handler(e, c):\n  kept.append(asyncio.get_running_loop())\n"
              "  return kept[0] is kept[-1]")
    with code(main_py=source) as path:
        instance = python.fork().load(path, python.handler)
        assert [instance.call() for _ in range(3)] == [True] * 3


@pytest.mark.parametrize("source,data,message", [
    ("async def handler(e, c):\n  yield {'statusCode': 202}\n  yield b'a'\n  await asyncio.sleep(0.001)\n  yield 'b'",
     b"ab", None),
    ("async def handler(e, c):\n  yield b'a'\n  raise Exception('late')", b"a", "late"),
    ("async def handler(e, c):\n  return (x for x in ('a', memoryview(b'b'), bytearray(b'c')))", b"abc", None),
    ("def handler(e, c):\n  return iter_parts()\ndef iter_parts():\n  yield ''\n  yield 'a'", b"a", None),
    ("def handler(e, c):\n  yield 'a'\n  yield 1", b"a", "not int"),
    ("def handler(e, c):\n  yield 'a'\n  yield {'statusCode': 200}", b"a", "not dict"),
    ("def handler(e, c):\n  yield '\\ud800'", "\ufffd".encode(), None),
])
def test_streams_what_a_generator_yields(python, source, data, message):
    with code(main_py="import asyncio\n" + source) as path:
        instance = python.fork().load(path, python.handler)
        for _ in range(2):
            got, fault = instance.stream().rest()
            assert got == data
            assert (fault and fault["message"].split(", ")[-1]) == message


def test_a_generator_goes_on_only_when_there_is_credit(python):
    source = "def handler(e, c):\n  yield b'x' * 262144\n  print('on', flush=True)\n  yield 'a'\n  print('and on', flush=True)"
    with code(main_py=source) as path:
        instance = python.fork().load(path, python.handler)
        stream = instance.stream()
        stream.read(262144)
        assert instance.silent() and instance.printed() == "on\n"
        stream.grant(1)
        assert stream.rest() == (b"a", None)
        assert instance.printed() == "and on\n"


def test_a_fork_of_the_function_does_not_answer(python):
    source = "import os\ndef handler(e, c):\n  pid = os.fork()\n  if pid:\n    os.waitpid(pid, 0)\n  return 'once'"
    with code(main_py=source) as path:
        instance = python.fork().load(path, python.handler)
        assert [instance.call() for _ in range(3)] == ["once"] * 3


def test_many_forks(python):
    abilities = ["threads", "garbage", "subprocess", "temporary files", "asyncio"]
    with code(main_py=PROGRAM) as path:
        python.fork()
        python.close_instances()
        before = len(os.listdir(f"/proc/{python.zygote.pid}/fd"))
        for i in range(int(os.environ.get("SO_TEST_SOAK", "150"))):
            instance = python.fork().load(path, python.handler)
            assert instance.call(b'"%s"' % abilities[i % len(abilities)].encode()) is True
            python.close_instances()
        assert len(os.listdir(f"/proc/{python.zygote.pid}/fd")) == before


def test_an_idle_child_is_small(python):
    children = [python.fork() for _ in range(20)]
    time.sleep(0.5)
    pss = sum(child.pss() for child in children) / len(children)
    print(f"{pss:.0f} KB")
    assert pss < 6000
