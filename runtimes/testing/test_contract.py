"""What every runtime does with a function: the runtime contract."""

import json
import os
import signal
import time

import pytest
from zygote import ERROR, RESULT, WINDOW_BYTES, Gone, code

CASES = [
    # name, node, python, kind of error or None, what the message or the body has
    ("Throws", "exports.handler = () => { throw new TypeError('no such thing') }",
     "def handler(e, c):\n  raise TypeError('no such thing')", "error", "no such thing"),
    ("Rejects", "exports.handler = async () => { throw new RangeError('later') }",
     "async def handler(e, c):\n  raise RuntimeError('later')", "error", "later"),
    ("ThrowsNothingOfUse", "exports.handler = () => { throw null }",
     "class Odd(BaseException):\n  def __str__(self):\n    raise Exception\ndef handler(e, c):\n  raise Odd()",
     "error", ""),
    ("ReturnsInfinity", "exports.handler = () => ({ statusCode: 200, body: { a: 1 / 0 } })",
     "def handler(e, c):\n  return {'statusCode': 200, 'body': {'a': None}}", None, '{"a":null}'),
    ("ReturnsACircle", "exports.handler = () => { const a = {}; a.a = a; return a }",
     "def handler(e, c):\n  a = []\n  a.append(a)\n  return a", "invalid-result", "ircular"),
    ("ReturnsWhatJsonLacks", "exports.handler = () => 10n",
     "def handler(e, c):\n  return float('nan')", "invalid-result", "not JSON"),
    ("ReturnsNothing", "exports.handler = () => {}", "def handler(e, c):\n  pass", None, "null"),
    ("ReturnsTooMuch", "exports.handler = () => 'x'.repeat(7e6)",
     "def handler(e, c):\n  return 'x' * 7000000", "result-too-large", "7000002 bytes"),
    ("ReturnsAlmostTooMuch", "exports.handler = () => 'x'.repeat(6291454)",
     "def handler(e, c):\n  return 'x' * 6291454", None, "xxx"),
    ("ReturnsABadStatus", "exports.handler = () => ({ statusCode: 'ok' })",
     "def handler(e, c):\n  return {'statusCode': 'ok'}", "invalid-result", "statusCode"),
    ("ReturnsABadHeader", "exports.handler = () => ({ statusCode: 200, headers: { a: 'b\\r\\nc' } })",
     "def handler(e, c):\n  return {'statusCode': 200, 'headers': {'a': 'b\\r\\nc'}}",
     "invalid-result", "control character"),
    ("ReturnsJsonText", "exports.handler = () => ({ statusCode: 200, body: '{\"a\":[1]}' })",
     "def handler(e, c):\n  return {'statusCode': 200, 'body': '{\"a\":[1]}'}", None, '{"a":[1]}'),
    ("ReturnsPlainText", "exports.handler = () => ({ statusCode: 200, body: 'hi' })",
     "def handler(e, c):\n  return {'statusCode': 200, 'body': 'hi'}", None, '"hi"'),
    ("ReturnsHalfASurrogate", "exports.handler = () => '\\ud800'",
     "def handler(e, c):\n  return '\\ud800'", None, ""),
    ("ClosesItsOutput",
     "exports.handler = () => { require('fs').closeSync(1); console.log('x'); process.stdout.end(); return 1 }",
     "import os, sys\ndef handler(e, c):\n  sys.stdout.close()\n  os.close(1)\n  return 1", None, "1"),
    ("SeesItsEnvironment",
     "exports.handler = () => [process.env.GREETING, process.env._HANDLER, "
     "process.env.AWS_LAMBDA_FUNCTION_MEMORY_SIZE, process.env.SECRET]",
     "import os\ndef handler(e, c):\n  g = os.environ.get\n  return [g('GREETING'), g('_HANDLER').replace('main', "
     "'index'), g('AWS_LAMBDA_FUNCTION_MEMORY_SIZE'), g('SECRET')]",
     None, '["hello there","index.handler","128",null]'),
    ("SeesItsContext",
     "exports.handler = (e, c) => [c.awsRequestId, c.functionName, c.functionVersion, c.memoryLimitInMB, "
     "c.logGroupName, c.getRemainingTimeInMillis() > 1000 && c.getRemainingTimeInMillis() <= 15000]",
     "def handler(e, c):\n  left = c.get_remaining_time_in_millis()\n  return [c.aws_request_id, c.function_name, "
     "c.function_version, c.memory_limit_in_mb, c.log_group_name, 1000 < left <= 15000]",
     None, '["req-1","hello","3","128","/functions/hello",true]'),
    ("OpensOnlyItsDescriptors",
     "const fs = require('fs'); exports.handler = () => [0, 1, 2, 3].map(n => "
     "fs.readlinkSync('/proc/self/fd/' + n).split(':')[0])",
     "import os\ndef handler(e, c):\n  return [os.readlink('/proc/self/fd/%d' % n).split(':')[0] for n in range(4)]",
     None, '["/dev/null","pipe","pipe","socket"]'),
    ("UsesACallback", "exports.handler = (e, c, cb) => setTimeout(() => cb(null, 'called'), 1)", "", None, '"called"'),
    ("FailsByCallback", "exports.handler = (e, c, cb) => cb(new Error('no'))", "", "error", "no"),
    ("IsAnEsModule",
     "import fs from 'node:fs';\nexport const handler = async () => typeof fs.readFileSync", "", None, '"function"'),
    ("AwaitsAtItsTop", "await null;\nexport const handler = () => import.meta.url.endsWith('.mjs')", "", None, "true"),
    ("IsCommonJsThatMentionsExport",
     "// export const x\nconst s = `import a from 'b'`;\nexports.handler = () => s.length", "", None, "17"),
    ("HasAHashbang", "#!/usr/bin/env node\nexports.handler = () => 1", "", None, "1"),
    ("ImportsLater", "exports.handler = async () => (await import('node:path')).sep", "", None, '"/"'),
    ("RequiresItself", "exports.handler = () => require('./index').handler === exports.handler && "
     "module.loaded && require.resolve('./index') === __filename", "", None, "true"),
    ("IsANamedModule", "", "import sys\ndef handler(e, c):\n  return [__name__, sys.modules['main'].handler is handler, "
     "__spec__.name]", None, '["main",true,"main"]'),
]


def source_files(runtime, source):
    """As the pool writes them: node's under two names."""
    if runtime.language == "node":
        return {"index_js": source, "index_mjs": source}
    return {"main_py": source}


@pytest.mark.parametrize("name,node_code,python_code,kind,contains", CASES, ids=[case[0] for case in CASES])
def test_behaves(runtime, name, node_code, python_code, kind, contains):
    source = runtime.pick(node_code, python_code)
    if not source:
        pytest.skip(f"means nothing in {runtime.language}")
    with code(**source_files(runtime, source)) as path:
        instance = runtime.fork().load(path, runtime.handler)
        got, meta, body = instance.invoke()
        if kind is None:
            assert got == RESULT, meta
            assert contains in body.decode()
        else:
            assert (got, meta["kind"]) == (ERROR, kind)
            assert contains in meta["message"]
            assert not any(path in line or "runtimes/" in line for line in meta["stack"])


def test_status_and_headers_come_through(runtime):
    source = runtime.pick(
        "exports.handler = async (e) => ({ statusCode: 201, headers: { a: 1, b: true, c: 'x' }, body: e })",
        "def handler(e, c):\n  return {'statusCode': 201, 'headers': {'a': 1, 'b': True, 'c': 'x'}, 'body': e}")
    with code(**{runtime.file: source}) as path:
        _, meta, body = runtime.fork().load(path, runtime.handler).invoke('{"k":"ä"}'.encode())
    assert meta == {"statusCode": 201, "headers": {"a": "1", "b": "true", "c": "x"}}
    assert json.loads(body) == {"k": "ä"}


def test_large_events_arrive_whole(runtime):
    source = runtime.pick("exports.handler = (e) => e.length", "def handler(e, c):\n  return len(e)")
    with code(**{runtime.file: source}) as path:
        instance = runtime.fork().load(path, runtime.handler)
        for size in (1, 65507, 65536, 200000, 6000000):
            assert instance.call(json.dumps("x" * size).encode()) == size


def test_output_is_out_before_the_result(runtime):
    source = runtime.pick(
        "console.log('loading'); exports.handler = (e) => { console.log('out', e.n); console.error('err', e.n); "
        "process.stdout.write('part') }",
        "import sys\nprint('loading')\ndef handler(e, c):\n  print('out', e['n'])\n  print('err', e['n'], "
        "file=sys.stderr)\n  sys.stdout.write('part')")
    with code(**{runtime.file: source}) as path:
        instance = runtime.fork().load(path, runtime.handler)
        assert instance.printed() == "loading\n"
        for n in range(3):
            instance.call(b'{"n":%d}' % n)
            assert instance.printed() == f"out {n}\nerr {n}\npart"


def test_a_full_pipe_makes_the_function_wait(runtime):
    source = runtime.pick(
        "exports.handler = () => { for (let i = 0; i < 1000; i++) console.log('x'.repeat(999)); return 1 }",
        "def handler(e, c):\n  for i in range(1000):\n    print('x' * 999)\n  return 1")
    with code(**{runtime.file: source}) as path:
        instance = runtime.fork().load(path, runtime.handler)
        nonce = instance.dispatch()
        read = 0
        os.set_blocking(instance.output, True)
        while read < 1000000:
            read += len(os.read(instance.output, 1 << 16))
        instance.expect(RESULT, nonce)
        assert read == 1000000


@pytest.mark.parametrize("node_code,python_code,status", [
    ("exports.handler = () => process.exit(3)", "import sys\ndef handler(e, c):\n  sys.exit(3)", 3),
    ("exports.handler = () => { process.exitCode = 4; process.exit() }",
     "import os\ndef handler(e, c):\n  os._exit(4)", 4),
    ("process.on('exit', (c) => console.log('leaving', c)); exports.handler = () => process.exit(5)",
     "import sys\ndef handler(e, c):\n  print('leaving 5')\n  sys.exit(5)", 5),
    ("exports.handler = () => process.kill(process.pid, 'SIGKILL')",
     "import os\ndef handler(e, c):\n  os.kill(os.getpid(), 9)", -9),
    ("exports.handler = () => process.abort()", "import os\ndef handler(e, c):\n  os.abort()", -6),
])
def test_ends_the_process(runtime, node_code, python_code, status):
    if runtime.isolated:
        # The first process of a pid namespace is safe from its own signals, and
        # abort() gets through with a fault only.
        if status == -signal.SIGKILL:
            pytest.skip("does nothing in a sandbox")
        status = {-signal.SIGABRT: -signal.SIGSEGV}.get(status, status)
    with code(**{runtime.file: runtime.pick(node_code, python_code)}) as path:
        instance = runtime.fork().load(path, runtime.handler)
        with pytest.raises(Gone):
            instance.invoke()
        assert instance.wait() == status
        if status == 5:
            assert instance.printed() == "leaving 5\n"


def test_the_end_of_the_channel_ends_it(runtime):
    instance = runtime.fork()
    instance.channel.close()
    assert instance.wait() == 0


@pytest.mark.parametrize("busy", ["idle", "busy"])
def test_sigterm_ends_it(runtime, busy):
    source = runtime.pick("exports.handler = (e) => { while (e.busy); }",
                          "def handler(e, c):\n  while e['busy']:\n    pass")
    with code(**{runtime.file: source}) as path:
        instance = runtime.fork().load(path, runtime.handler)
        instance.dispatch(b'{"busy":%s}' % (b"true" if busy == "busy" else b"false"))
        time.sleep(0.1)
        instance.terminate()
        assert instance.wait() == (128 + signal.SIGTERM if runtime.isolated else -signal.SIGTERM)


def test_a_function_may_handle_sigterm(runtime):
    source = runtime.pick(
        "process.on('SIGTERM', () => { console.log('asked'); process.exit(7) }); exports.handler = () => 1",
        "import os, signal\ndef asked(*_):\n  print('asked')\n  os._exit(7)\nsignal.signal(signal.SIGTERM, asked)\n"
        "def handler(e, c):\n  return 1")
    with code(**{runtime.file: source}) as path:
        instance = runtime.fork().load(path, runtime.handler)
        instance.terminate()
        assert instance.wait() == 7
        assert instance.printed() == "asked\n"


BROKEN = [
    ("exports.a = 1;\nexports.handler = (", "import os\ndef handler(e, c)\n  return 1", "UserCodeSyntaxError"),
    ("exports.other = 1", "other = 1", "HandlerNotFound"),
    ("require('./missing')", "import missing", "ImportModuleError"),
    ("throw new RangeError('top')", "raise ValueError('top')", None),
    ("JSON.parse('{')", "import json\njson.loads('{')", None),
    ("throw undefined", "class Odd(BaseException):\n  pass\nraise Odd", None),
]


@pytest.mark.parametrize("node_code,python_code,kind", BROKEN)
def test_says_why_code_cannot_be_loaded(runtime, node_code, python_code, kind):
    with code(**source_files(runtime, runtime.pick(node_code, python_code))) as path:
        instance = runtime.fork()
        fault = instance.fail_to_load(path, runtime.handler)
        assert instance.wait() == 1
    if kind is None:
        assert fault["type"] in ("RangeError", "ValueError", "SyntaxError", "JSONDecodeError", "undefined", "Odd")
    else:
        assert fault["type"] == kind
    if kind == "UserCodeSyntaxError":
        assert fault["message"].startswith(runtime.pick("index.js:2: ", "main.py:2: "))
    assert not any(path in line for line in [fault["message"], *fault["stack"]]), fault


@pytest.mark.parametrize("handler,kind", [
    ("nofile.handler", "ImportModuleError"), ("handler", "MalformedHandlerName"), ("", "MalformedHandlerName"),
    ("../x.handler", "MalformedHandlerName")])
def test_says_what_is_wrong_with_a_handler(runtime, handler, kind):
    with code(**source_files(runtime, "")) as path:
        instance = runtime.fork()
        assert instance.fail_to_load(path, handler)["type"] == kind
        instance.wait()


def test_uses_a_handler_in_a_folder(runtime):
    with code() as path:
        os.mkdir(os.path.join(path, "lib"))
        name = runtime.pick("deep.js", "deep.py")
        source = runtime.pick("exports.api = { get: () => 'deep' }", "def get(e, c):\n  return 'deep'")
        with open(os.path.join(path, "lib", name), "w", encoding="utf-8") as file:
            file.write(source)
        handler = runtime.pick("lib/deep.api.get", "lib.deep.get")
        assert runtime.fork().load(path, handler).call() == "deep"


def test_works_however_late_it_is_configured(runtime):
    """Before, while and after a parked child rehearses."""
    source = runtime.pick("console.log('loaded'); exports.handler = () => { throw new Error('x') }",
                          "print('loaded')\ndef handler(e, c):\n  raise Exception('x')")
    with code(**{runtime.file: source}) as path:
        for delay in [0, 0.015, 0.018, 0.02, 0.021, 0.022, 0.023, 0.025, 0.03, 0.2]:
            instance = runtime.fork()
            time.sleep(delay)
            instance.load(path, runtime.handler)
            _, fault, _ = instance.invoke()
            assert instance.printed() == "loaded\n"
            assert fault["message"] == "x" and path not in str(fault["stack"])


STREAMS = (
    "exports.handler = awslambda.streamifyResponse(async (event, stream, context) => {"
    "  stream = awslambda.HttpResponseStream.from(stream, { statusCode: 201, headers: { 'X-A': 1 } });"
    "  stream.setContentType('text/plain'); console.log(context.awsRequestId);"
    "  if (event.early) throw new Error('early');"
    "  stream.write('\u00e4'); stream.write(Buffer.from([0, 255, 128]));"
    "  if (event.late) throw new Error('late');"
    "  stream.end(event.last) })",
    "def handler(event, context):\n"
    "  print(context.aws_request_id)\n"
    "  yield {'statusCode': 201, 'headers': {'X-A': 1, 'Content-Type': 'text/plain'}}\n"
    "  if event.get('early'): raise Exception('early')\n"
    "  yield '\u00e4'\n  yield bytes([0, 255, 128])\n"
    "  if event.get('late'): raise Exception('late')\n"
    "  yield event['last']")
HEAD_OF_STREAMS = {"statusCode": 201, "headers": {"X-A": "1", "Content-Type": "text/plain"}}


def test_streams_what_it_writes(runtime):
    with code(**{runtime.file: runtime.pick(*STREAMS)}) as path:
        instance = runtime.fork().load(path, runtime.handler)
        for _ in range(3):
            stream = instance.stream(b'{"last":"end"}')
            assert stream.head == HEAD_OF_STREAMS
            assert stream.rest() == ("\u00e4".encode() + bytes([0, 255, 128]) + b"end", None)
            # Of a call that has ended: means nothing any more.
            stream.grant(1)
            assert instance.printed() == "req-1\n"


def test_an_error_before_the_first_byte_is_an_ordinary_one(runtime):
    with code(**{runtime.file: runtime.pick(*STREAMS)}) as path:
        instance = runtime.fork().load(path, runtime.handler)
        fault = json.loads(instance.expect(ERROR, instance.dispatch(b'{"early":1}', stream=True)))
        assert (fault["kind"], fault["message"]) == ("error", "early")
        _, fault, _ = instance.invoke(b'{"early":1}')
        assert (fault["kind"], fault["message"]) == ("error", "early")


def test_an_error_after_the_first_byte_ends_the_stream(runtime):
    with code(**{runtime.file: runtime.pick(*STREAMS)}) as path:
        instance = runtime.fork().load(path, runtime.handler)
        data, fault = instance.stream(b'{"late":1}').rest()
        assert data == "\u00e4".encode() + bytes([0, 255, 128])
        assert (fault["kind"], fault["message"]) == ("error", "late")
        assert instance.stream(b'{"last":"x"}').rest()[1] is None
        # Nothing of what was collected is seen.
        _, fault, _ = instance.invoke(b'{"late":1}')
        assert fault["message"] == "late"


def test_a_stream_is_collected_when_nobody_asked_for_one(runtime):
    with code(**{runtime.file: runtime.pick(*STREAMS)}) as path:
        kind, meta, body = runtime.fork().load(path, runtime.handler).invoke(b'{"last":"x"}')
        assert (kind, meta) == (RESULT, HEAD_OF_STREAMS)
        assert json.loads(body) == "\u00e4\0\ufffd\ufffdx"


@pytest.mark.parametrize("node_code,python_code,kind,contains", [
    ("stream.write('{\"a\":'); stream.end('1}')", "yield '{\"a\":'\n  yield '1}'", None, '{"a":1}'),
    ("stream.end()", "return\n  yield", None, '""'),
    ("stream.end('x'.repeat(6291454))", "yield 'x' * 6291454", None, "xxx"),
    ("stream.end('x'.repeat(6291455))", "yield 'x' * 6291455", "result-too-large", "6291457 bytes"),
    ("for (let i = 0; i < 8; i++) stream.write('x'.repeat(1e6)); stream.end()",
     "for i in range(8):\n    yield 'x' * 1000000", "result-too-large", "only a streamed answer may"),
    ("awslambda.HttpResponseStream.from(stream, { statusCode: 99 })", "yield {'statusCode': 99}",
     "invalid-result", "statusCode"),
    ("awslambda.HttpResponseStream.from(stream, { headers: { a: 'b\\n' } })", "yield {'headers': {'a': 'b\\n'}}",
     "invalid-result", "control character"),
    ("stream.destroy()", "yield 1", None, None),
])
def test_collects(runtime, node_code, python_code, kind, contains):
    source = runtime.pick(f"exports.handler = awslambda.streamifyResponse((event, stream) => {{ {node_code} }})",
                          f"def handler(e, c):\n  {python_code}")
    with code(**{runtime.file: source}) as path:
        instance = runtime.fork().load(path, runtime.handler)
        got, meta, body = instance.invoke()
        if contains is None:
            assert got == ERROR
        elif kind is None:
            assert got == RESULT, meta
            assert contains in body.decode()
        else:
            assert (got, meta["kind"]) == (ERROR, kind)
            assert contains in meta["message"]


LARGE = ("exports.handler = awslambda.streamifyResponse(async (event, stream) => {"
         "  const { Readable } = require('stream'), { pipeline } = require('stream/promises');"
         "  const parts = function* () { for (let i = 0; i < 80; i++) yield Buffer.alloc(50000, i) };"
         "  await pipeline(Readable.from(parts()), stream); console.log('piped') })",
         "def handler(e, c):\n  for i in range(80):\n    yield bytes([i]) * 50000\n  print('piped')")


def test_writes_no_more_than_it_has_credit_for(runtime):
    with code(**{runtime.file: runtime.pick(*LARGE)}) as path:
        instance = runtime.fork().load(path, runtime.handler)
        stream = instance.stream()
        data = stream.read(WINDOW_BYTES)
        assert instance.silent()
        stream.grant(1)
        data += stream.read(1)
        assert instance.silent()
        stream.grant(70000)
        data += stream.read(70000)
        assert instance.silent() and instance.printed() == ""
        stream.grant(100000)
        more, fault = stream.rest()
        assert fault is None
        assert data + more == b"".join(bytes([i]) * 50000 for i in range(80))
        assert instance.printed() == "piped\n"


def test_a_stream_that_nobody_reads_ends_with_its_process(runtime):
    with code(**{runtime.file: runtime.pick(*LARGE)}) as path:
        instance = runtime.fork().load(path, runtime.handler)
        instance.stream().read(WINDOW_BYTES)
        instance.channel.close()
        assert instance.wait() == 0


def test_a_handler_that_does_not_stream_may_be_asked_to(runtime):
    source = runtime.pick("exports.handler = () => [1]", "def handler(e, c):\n  return [1]")
    with code(**{runtime.file: source}) as path:
        instance = runtime.fork().load(path, runtime.handler)
        assert instance.expect(RESULT, instance.dispatch(stream=True)).endswith(b"[1]")
