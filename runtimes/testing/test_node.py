"""What works in a fork of node, and that forks are unlike each other."""

import json
import os
import subprocess
import time

import pytest
from zygote import code

ABILITIES = {
    "timers": "await new Promise((r) => setTimeout(r, 5)); await new Promise(setImmediate); return true",
    "promised files": "await fs.promises.writeFile(tmp, 'x'); return await fs.promises.readFile(tmp, 'utf8') === 'x'",
    "streamed files": "fs.writeFileSync(tmp, 'ab'); let s = ''; for await (const c of fs.createReadStream(tmp)) s += c; "
                      "return s === 'ab'",
    "child process": "return require('child_process').execFileSync('echo', ['hi']).toString() === 'hi\\n'",
    "spawned process": "const c = require('child_process').spawn('cat'); c.stdin.end('hi'); let s = ''; "
                       "for await (const d of c.stdout) s += d; "
                       "const [status] = c.exitCode === null ? await require('events').once(c, 'exit') : [c.exitCode]; "
                       "return s === 'hi' && status === 0",
    "forked node": "fs.writeFileSync(tmp + '.js', 'process.send(process.execArgv.length)'); "
                   "const c = require('child_process').fork(tmp + '.js'); "
                   "return (await require('events').once(c, 'message'))[0] === 0",
    "worker": "const { Worker } = require('worker_threads'); const w = new Worker('let a = []; for (let i = 0; i < 1e6; "
              "i++) { a.push({ i }); if (a.length > 1e5) a = []; } require(\"worker_threads\").parentPort.postMessage(42)', "
              "{ eval: true }); const [m] = await require('events').once(w, 'message'); await w.terminate(); return m === 42",
    "worker that exits": "const { Worker } = require('worker_threads'); const w = new Worker('process.exit(3)', "
                         "{ eval: true }); return (await require('events').once(w, 'exit'))[0] === 3",
    "dns": "return (await require('dns').promises.lookup('localhost')).address.length > 2",
    "http": "const http = require('http'); const s = http.createServer((q, a) => a.end('hi')); "
            "await new Promise((r) => s.listen(0, '127.0.0.1', r)); "
            "const t = await (await fetch('http://127.0.0.1:' + s.address().port)).text(); s.close(); "
            "s.closeAllConnections(); return t === 'hi'",
    "crypto": "const c = require('crypto'); const k = await new Promise((r) => c.pbkdf2('a', 'b', 1000, 16, 'sha1', "
              "(e, k) => r(k))); return k.length === 16 && c.createHash('sha256').update('a').digest('hex').length === 64 "
              "&& (await c.webcrypto.subtle.digest('SHA-1', k)).byteLength === 20",
    "zlib": "const z = require('zlib'), p = require('util').promisify; "
            "return (await p(z.gunzip)(await p(z.gzip)('abc'))).toString() === 'abc'",
    "wasm": "const m = await WebAssembly.instantiate(new Uint8Array([0,97,115,109,1,0,0,0,1,7,1,96,2,127,127,1,127,3,2,1,0,"
            "7,7,1,3,97,100,100,0,0,10,9,1,7,0,32,0,32,1,106,11])); return m.instance.exports.add(2, 3) === 5",
    "garbage": "let a = []; for (let i = 0; i < 3e6; i++) { a.push({ i }); if (a.length > 1e5) a = []; } return true",
    "optimised code": "const f = (x) => x * 2 + 1; let s = 0; for (let i = 0; i < 2e7; i++) s = f(s) & 0xffff; "
                      "return s === 65535",
    "finalizers": "const done = new Promise((r) => { const g = new FinalizationRegistry(r); globalThis.g = g; "
                  "(() => g.register({}, 'gone'))(); }); const t = setInterval(() => { let a = []; "
                  "for (let i = 0; i < 3e5; i++) a.push({ i }); Buffer.alloc(3e7) }, 1); const v = await done; "
                  "clearInterval(t); return v === 'gone'",
    "waiting atomics": "const a = new Int32Array(new SharedArrayBuffer(4)); if (!Atomics.waitAsync) return true; "
                       "return await Atomics.waitAsync(a, 0, 0, 5).value === 'timed-out'",
    "signals": "const got = new Promise((r) => process.once('SIGUSR2', r)); process.kill(process.pid, 'SIGUSR2'); "
               "return await got === 'SIGUSR2'",
    "async hooks": "const s = new (require('async_hooks').AsyncLocalStorage)(); "
                   "return await s.run(7, async () => { await null; return s.getStore() === 7 })",
    "file watch": "const w = fs.watch(require('os').tmpdir()); const got = require('events').once(w, 'change'); "
                  "fs.writeFileSync(tmp, 'y'); await got; w.close(); return true",
    "vm": "const vm = require('vm'); return vm.runInNewContext('[1, 2].map((x) => x * 2)[1]') === 4",
    "heap statistics": "return require('v8').getHeapStatistics().used_heap_size > 1e6",
    "import of a file": "fs.writeFileSync(tmp + '.mjs', 'export default 6'); "
                        "return (await import(tmp + '.mjs')).default === 6",
    "diagnostics": "return process.report.getReport().header.processId === process.pid",
    "readline": "const rl = require('readline').createInterface({ input: fs.createReadStream('/etc/passwd') }); "
                "for await (const line of rl) return line.includes(':')",
    "no collector": "return typeof gc === 'undefined' && require('vm').runInNewContext('typeof gc') === 'undefined'",
    "its own looks": "return process.execArgv.length === 0 && process.argv.length === 2 && "
                     "process.argv[1].endsWith('/shim.js') && process.pid === +fs.readlinkSync('/proc/self') && "
                     "Object.getOwnPropertyDescriptor(process, 'pid').writable === false && Math.random.name === 'random' "
                     "&& Math.random.length === 0 && String(Math.random).includes('[native code]') && "
                     "!('prototype' in Math.random) && Object.keys(Math).length === 0",
    "clocks": "const p = performance; const near = (a, b) => Math.abs(a - b) < 150; "
              "const age = () => 1000 * fs.readFileSync('/proc/uptime', 'utf8').split(' ')[0] - "
              "10 * fs.readFileSync('/proc/self/stat', 'utf8').replace(/.*\\) /, '').split(' ')[19]; "
              "const m = p.mark('m'), x = p.mark('x', { startTime: 5 }), d = p.measure('d', 'm'); "
              "return near(p.timeOrigin + p.now(), Date.now()) && near(process.uptime() * 1000, p.now()) && "
              "near(age(), p.now()) && near(m.startTime, p.now()) && x.startTime === 5 && near(d.startTime, m.startTime) && "
              "p.measure('e', { start: 3, end: 10 }).startTime === 3 && p.measure('f', { start: 3, end: 10 }).duration === 7 "
              "&& near(p.toJSON().timeOrigin, p.timeOrigin) && near(m.toJSON().startTime, m.startTime) && "
              "p.getEntriesByName('m')[0].name === 'm'",
}
PROGRAM = """
const fs = require('fs');
const tmp = require('path').join(require('os').tmpdir(), 'so-ability-' + process.pid + '-' + Date.now());
const abilities = {%s};
exports.handler = async (name) => abilities[name]();
""" % ",".join(f"{name!r}: async () => {{ {body} }}" for name, body in ABILITIES.items())


@pytest.mark.parametrize("ability", ABILITIES)
def test_can(node, ability):
    with code(index_js=PROGRAM) as path:
        assert node.fork().load(path, node.handler).call(b'"%s"' % ability.encode()) is True


def test_everything_in_one_process(node):
    with code(index_js=PROGRAM) as path:
        instance = node.fork().load(path, node.handler)
        for ability in ABILITIES:
            assert instance.call(b'"%s"' % ability.encode()) is True, ability


@pytest.mark.parametrize("source,status", [
    # Listeners of the platform's are gone, and node ends by itself.
    ("process.removeAllListeners('uncaughtException'); setTimeout(() => { throw new Error('late') }, 1)", 1),
    ("process.removeAllListeners('uncaughtException'); process.exitCode = 9; Promise.reject(new Error('late'))", 1),
    # Nothing is left to wait for.
    ("process._getActiveHandles().forEach((handle) => handle.unref())", 0),
    ("process.reallyExit(6)", 6),
    ("process.kill(process.pid, 'SIGTERM')", -15),
])
def test_every_way_out_ends_it(node, source, status):
    with code(index_js=f"exports.handler = () => {{ {source}; return new Promise(() => {{}}) }}") as path:
        instance = node.fork().load(path, node.handler)
        instance.dispatch()
        if node.isolated and status == -15:
            status = 128 + 15  # See EndOnSigterm.
        assert instance.wait() == status


@pytest.mark.parametrize("source", [
    "setTimeout(() => { throw new Error('late') }, 1)", "Promise.reject(new Error('late'))",
    "process.nextTick(() => { throw new Error('late') })",
    "require('events').prototype.emit.call(new (require('events'))(), 'error', new Error('late'))"])
def test_reports_what_is_thrown_in_the_background(node, source):
    with code(index_js=f"exports.handler = async () => {{ await null; {source}; await new Promise(() => {{}}) }}") as path:
        instance = node.fork().load(path, node.handler)
        _, fault, _ = instance.invoke()
        assert fault["message"] == "late"
        if fault["kind"] == "uncaught":
            assert instance.wait() == 1
    

SIDE_BY_SIDE = """
const { setTimeout: sleep } = require('timers/promises');
setInterval(() => console.log('from nobody'), 10).unref();
exports.handler = async ({ id, ms, fail }) => {
  console.log('begin', id);
  await sleep(ms);
  process.stderr.write(Buffer.from(`end ${id}\\n`));
  if (fail === 'throw') throw new Error(id);
  if (fail === 'later') setTimeout(() => { throw new Error(id) }, 1);
  if (fail) await new Promise(() => {});
  return id;
};
"""


def side_by_side(node, path, *calls):
    instance = node.fork().load(path, node.handler, concurrency=8)
    return instance, [instance.begin(json.dumps(call).encode()) for call in calls]


def test_calls_side_by_side_end_as_they_are_ready(node):
    with code(index_js=SIDE_BY_SIDE) as path:
        instance, (slow, quick, failing) = side_by_side(
            node, path, {"id": "slow", "ms": 150}, {"id": "quick", "ms": 1}, {"id": "bad", "ms": 50, "fail": "throw"})
        order, bodies, logs = instance.answers(3)
        assert order == [quick, failing, slow]
        assert (bodies[slow], bodies[quick], bodies[failing]["message"]) == ("slow", "quick", "bad")
        assert logs == {slow: "begin slow\nend slow\n", quick: "begin quick\nend quick\n",
                        failing: "begin bad\nend bad\n"}
        assert set(instance.printed().splitlines()) == {"from nobody"}


def test_an_uncaught_error_ends_all_calls_and_names_its_own(node):
    with code(index_js=SIDE_BY_SIDE) as path:
        instance, (_, guilty) = side_by_side(
            node, path, {"id": "innocent", "ms": 5000}, {"id": "guilty", "ms": 10, "fail": "later"})
        order, bodies, _ = instance.answers(1)
        assert order == [guilty] and bodies[guilty]["kind"] == "uncaught"
        assert instance.wait() == 1


def test_many_calls_side_by_side(node):
    with code(index_js=SIDE_BY_SIDE) as path:
        instance, nonces = side_by_side(node, path, *({"id": str(n), "ms": (n * 7) % 40} for n in range(50)))
        _, bodies, logs = instance.answers(50)
        for n, nonce in enumerate(nonces):
            assert bodies[nonce] == str(n)
            assert logs[nonce] == f"begin {n}\nend {n}\n"


def streaming(body):
    return f"exports.handler = awslambda.streamifyResponse(async (event, stream, context) => {{ {body} }})"


def test_write_says_when_to_wait(node):
    source = streaming(
        "stream.write(Buffer.alloc(262144)); const few = stream.write('more'), many = stream.write(Buffer.alloc(20000)); "
        "await require('events').once(stream, 'drain'); stream.end(JSON.stringify([few, many]))")
    with code(index_js=source) as path:
        instance = node.fork().load(path, node.handler)
        stream = instance.stream()
        stream.read(262144)
        assert instance.silent()
        stream.grant(30000)
        assert stream.rest() == (b"more" + bytes(20000) + b"[true,false]", None)


def test_a_stream_may_end_after_its_handler(node):
    source = ("exports.handler = awslambda.streamifyResponse((event, stream) => { stream.write('a'); "
              "setTimeout(() => stream.end('b'), 20) })")
    with code(index_js=source) as path:
        instance = node.fork().load(path, node.handler)
        assert instance.stream().rest() == (b"ab", None)
        assert instance.call() == "ab"


def test_a_handler_may_end_after_its_stream(node):
    source = streaming("stream.end('a'); await new Promise((r) => setTimeout(r, 50)); console.log('late'); "
                       "if (event.fail) throw new Error('late')")
    with code(index_js=source) as path:
        instance = node.fork().load(path, node.handler)
        assert instance.stream().rest() == (b"a", None)
        assert instance.printed() == "late\n"
        data, fault = instance.stream(b'{"fail":1}').rest()
        assert (data, fault["message"]) == (b"a", "late")


@pytest.mark.parametrize("body,message", [
    ("stream.write('a'); stream.setContentType('text/plain')", "sent already"),
    ("stream.write('a'); stream.destroy(); await new Promise(() => {})", "closed before its end"),
    ("stream.write('a'); stream.destroy(new Error('own')); await new Promise(() => {})", "own"),
    ("stream.write('a'); context.fail(new Error('failed')); await new Promise(() => {})", "failed"),
    ("stream.write('a'); setTimeout(() => { throw new Error('late') }, 1); await new Promise(() => {})", "late"),
    ("stream.write('a'); await require('stream/promises').pipeline(async function* () { throw new Error('in') }, stream)",
     "in"),
])
def test_ways_to_fail_while_streaming(node, body, message):
    with code(index_js=streaming(body)) as path:
        instance = node.fork().load(path, node.handler)
        data, fault = instance.stream().rest()
        assert data == b"a" and message in fault["message"]
        if fault["kind"] == "uncaught":
            assert instance.wait() == 1


def test_the_latest_head_wins_in_any_case(node):
    source = streaming("stream.setContentType('text/plain'); "
                       "stream = awslambda.HttpResponseStream.from(stream, { headers: { 'content-type': 'a/b', x: 'y' } }); "
                       "context.succeed()")
    with code(index_js=source) as path:
        stream = node.fork().load(path, node.handler).stream()
        assert stream.head == {"statusCode": 200, "headers": {"content-type": "a/b", "x": "y"}}
        assert stream.rest() == (b"", None)


UNIQUE = """
const { randomUUID, randomBytes, randomInt, webcrypto } = require('crypto');
exports.handler = () => [Math.random(), Math.random(), randomUUID(), randomBytes(8).toString('hex'),
  randomInt(2 ** 47), webcrypto.randomUUID(), webcrypto.getRandomValues(new Uint32Array(2)).join(),
  require('fs').mkdtempSync(require('os').tmpdir() + '/so-unique-')]
"""


def test_forks_are_unlike_each_other(node):
    seen = None
    with code(index_js=UNIQUE) as path:
        for _ in range(1000):
            values = node.fork().load(path, node.handler).call()
            if not node.isolated:
                os.rmdir(values[-1])
            seen = seen or [set() for _ in values]
            for known, value in zip(seen, values):
                known.add(value)
            node.close_instances()
    assert [len(known) for known in seen] == [1000] * len(seen)


def test_workers_of_forks_are_unlike_each_other(node):
    source = """const { Worker } = require('worker_threads');
    exports.handler = async () => (await require('events').once(new Worker(
      "require('worker_threads').parentPort.postMessage(Math.random())", { eval: true }), 'message'))[0]"""
    with code(index_js=source) as path:
        instances = [node.fork().load(path, node.handler) for _ in range(10)]
        assert len({instance.call() for instance in instances for _ in range(2)}) == 20


def test_random_numbers_are_random(node):
    source = """exports.handler = () => { const n = 1e6, bins = new Array(64).fill(0); let sum = 0, low = 0, pairs = 0, last = 0;
    for (let i = 0; i < n; i++) { const x = Math.random(); if (!(x >= 0 && x < 1)) return 'range'; sum += x;
      bins[Math.floor(x * 64)]++; low += (x * 2 ** 53) % 2; pairs += (x - 0.5) * (last - 0.5); last = x; }
    const e = n / 64; return { mean: sum / n, low: low / n, chi: bins.reduce((s, b) => s + (b - e) ** 2 / e, 0), pairs: pairs / n } }"""
    with code(index_js=source) as path:
        got = node.fork().load(path, node.handler).call()
    assert abs(got["mean"] - 0.5) < 0.002 and abs(got["low"] - 0.5) < 0.003 and abs(got["pairs"]) < 0.001
    assert got["chi"] < 120


@pytest.mark.parametrize("memory", [64, 128, 512])
def test_the_heap_is_limited_to_the_functions_memory(node, memory):
    source = """const v8 = require('v8'); const a = [];
    exports.handler = (fill) => { if (fill) while (true) a.push(new Array(1e4).fill(1.5)); return v8.getHeapStatistics().heap_size_limit / 2 ** 20 }"""
    with code(index_js=source) as path:
        instance = node.fork().load(path, node.handler, memory=memory)
        assert memory * 0.7 < instance.call(b"0") < memory + 100
        instance.dispatch(b"1")
        # V8 ends a process whose heap is full, if the cgroup was not faster.
        assert instance.wait() in ((-11, -9) if node.isolated else (-6,))


def test_forks_share_code_on_huge_pages(node):
    with open("/sys/kernel/mm/transparent_hugepage/enabled", encoding="ascii") as file:
        if "[never]" in file.read():
            pytest.skip("this machine has none")
    source = ("exports.handler = () => require('fs').readFileSync('/proc/self/smaps', 'utf8').split('VmFlags')"
              ".filter((m) => / r-xp /.test(m) && /AnonHugePages: +[1-9]/.test(m)).length")
    with code(index_js=source) as path:
        assert node.fork().load(path, node.handler).call() > 4


def test_the_heap_is_in_one_place(node):
    source = ("exports.handler = () => require('fs').readFileSync('/proc/self/maps', 'utf8')"
              ".match(/^[0-9a-f]{12}-[0-9a-f]{12} rw-p .* 0 *$/gm)"
              ".map((m) => m.split(/[- ]/).slice(0, 2).map((a) => parseInt(a, 16)))"
              ".filter(([a]) => a >= 2 ** 44 && a < 2 ** 45 + 2 ** 44).map(([a, b]) => (b - a) / 2 ** 20)")
    with code(index_js=source) as path:
        parts = node.fork().load(path, node.handler).call()
    assert max(parts) >= 2 and len(parts) < 20, parts


def test_functions_see_no_sign_of_the_preload(node):
    source = ("exports.handler = () => [process.env.LD_PRELOAD ?? null, "
              "require('fs').readFileSync('/proc/self/environ', 'utf8').includes('so_sandbox')]")
    with code(index_js=source) as path:
        assert node.fork().load(path, node.handler).call() == [None, False]


def test_a_sandbox_has_a_connection_table_of_its_own(node):
    if not node.isolated:
        pytest.skip("needs sandboxes")
    source = "exports.handler = () => +require('fs').readFileSync('/proc/sys/net/ipv4/tcp_ehash_entries')"
    with code(index_js=source) as path:
        # The kernel shows the size of a shared one as a negative number.
        assert node.fork().load(path, node.handler).call() > 0


def test_many_forks(node):
    """Mixed load, one after the other; nothing is left behind."""
    abilities = ["promised files", "timers", "garbage", "crypto", "child process", "zlib"]
    with code(index_js=PROGRAM) as path:
        node.fork()
        node.close_instances()
        before = len(os.listdir(f"/proc/{node.zygote.pid}/fd"))
        for i in range(int(os.environ.get("SO_TEST_SOAK", "150"))):
            instance = node.fork().load(path, node.handler)
            assert instance.call(b'"%s"' % abilities[i % len(abilities)].encode()) is True
            node.close_instances()
        assert len(os.listdir(f"/proc/{node.zygote.pid}/fd")) == before


def test_math_random_is_fast(node):
    source = """exports.handler = () => { const time = () => { let s = 0; const t = process.hrtime.bigint();
    for (let i = 0; i < 1e7; i++) s += Math.random(); return Number(process.hrtime.bigint() - t) / 1e7 };
    time(); return Math.min(time(), time(), time()) }"""
    with code(index_js=source) as path:
        ours = node.fork().load(path, node.handler).call()
    native = float(subprocess.run([node.interpreter, "-p", source.replace(
        "exports.handler =", "const f =") + "; f()"], capture_output=True, text=True, check=True).stdout)
    print(f"Math.random: {ours:.1f} ns, native {native:.1f} ns")
    assert ours < 10 * native


def test_an_idle_child_is_small_and_quick(node):
    source = "exports.handler = async (e) => { console.log('hi'); return { message: 'Hello ' + e.name } }"
    with code(index_js=source) as path:
        children = [node.fork() for _ in range(20)]
        time.sleep(0.5)
        pss = sum(child.pss() for child in children) / len(children)
        print(f"{pss:.0f} KB")
        assert pss < 6000
        for child in children:
            child.load(path, node.handler).call(b'{"name":"x"}')
