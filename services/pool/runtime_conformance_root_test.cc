// What every runtime must do with a function, in real sandboxes.
#include <unistd.h>

#include <cstdio>
#include <ostream>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "base/testing/status_matchers.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "services/pool/testing/real_instance.h"

namespace so {
namespace {

using ::testing::HasSubstr;

namespace pb = serverless::pool::v1;

// One behaviour in both languages, and what comes of it.
struct Case {
  std::string name;
  std::string node;
  std::string python;
  // Empty when the invocation succeeds.
  std::string error;
  // Of the error, or the body of the result.
  std::string contains;
  bool free_after = true;
};

// Shown by ctest instead of the bytes of the struct.
void PrintTo(const Case& value, std::ostream* out) { *out << value.name; }

std::vector<Case> Cases() {
  return {
      {"Throws",
       "exports.handler = () => { throw new TypeError('no such thing') }",
       "def handler(e, c):\n  raise TypeError('no such thing')",
       "FUNCTION_ERROR", "TypeError: no such thing"},
      {"Rejects",
       "exports.handler = async () => { throw new RangeError('later') }",
       "async def handler(e, c):\n  raise RuntimeError('later')",
       "FUNCTION_ERROR", "later"},
      {"ThrowsNothingOfUse", "exports.handler = () => { throw null }",
       "class Odd(BaseException):\n"
       "  def __str__(self):\n    raise Exception\n"
       "def handler(e, c):\n  raise Odd()",
       "FUNCTION_ERROR", ""},
      {"Exits", "exports.handler = () => process.exit(3)",
       "import sys\ndef handler(e, c):\n  sys.exit(3)", "FUNCTION_CRASHED",
       "exited with code 3", false},
      // As the first process of its sandbox it is deaf to signals it sends to
      // itself, so what ends it is the fault that abort() falls back to.
      {"Aborts", "exports.handler = () => process.abort()",
       "import os\ndef handler(e, c):\n  os.abort()", "FUNCTION_CRASHED",
       "was killed by signal", false},
      {"ReturnsInfinity",
       "exports.handler = () => ({ statusCode: 200, body: { a: 1 / 0 } })",
       "def handler(e, c):\n  return {'statusCode': 200, 'body': {'a': None}}",
       "", R"({"a":null})"},
      {"ReturnsACircle",
       "exports.handler = () => { const a = {}; a.a = a; return a }",
       "def handler(e, c):\n  a = []\n  a.append(a)\n  return a",
       "FUNCTION_RESULT_INVALID", "ircular"},
      {"ReturnsWhatJsonLacks", "exports.handler = () => 10n",
       "def handler(e, c):\n  return float('nan')", "FUNCTION_RESULT_INVALID",
       "not JSON"},
      {"ReturnsNothing", "exports.handler = () => {}",
       "def handler(e, c):\n  pass", "", "null"},
      {"ReturnsTooMuch", "exports.handler = () => 'x'.repeat(7e6)",
       "def handler(e, c):\n  return 'x' * 7000000", "PAYLOAD_TOO_LARGE",
       "7000002 bytes"},
      {"ReturnsAlmostTooMuch", "exports.handler = () => 'x'.repeat(6291454)",
       "def handler(e, c):\n  return 'x' * 6291454", "", "xxx"},
      {"ReturnsABadStatus", "exports.handler = () => ({ statusCode: 'ok' })",
       "def handler(e, c):\n  return {'statusCode': 'ok'}",
       "FUNCTION_RESULT_INVALID", "statusCode"},
      {"ReturnsABadHeader",
       "exports.handler = () => ({ statusCode: 200, headers: { a: 'b\\r\\nc' } "
       "})",
       "def handler(e, c):\n"
       "  return {'statusCode': 200, 'headers': {'a': 'b\\r\\nc'}}",
       "FUNCTION_RESULT_INVALID", "control character"},
      {"ReturnsJsonText",
       "exports.handler = () => ({ statusCode: 200, body: '{\"a\":[1]}' })",
       "def handler(e, c):\n  return {'statusCode': 200, 'body': "
       "'{\"a\":[1]}'}",
       "", R"({"a":[1]})"},
      {"ReturnsPlainText",
       "exports.handler = () => ({ statusCode: 200, body: 'hi' })",
       "def handler(e, c):\n  return {'statusCode': 200, 'body': 'hi'}", "",
       "\"hi\""},
      {"ReturnsHalfASurrogate", "exports.handler = () => '\\ud800'",
       "def handler(e, c):\n  return '\\ud800'", "", ""},
      {"ClosesItsOutput",
       "exports.handler = () => { require('fs').closeSync(1); "
       "console.log('x'); process.stdout.end(); return 1 }",
       "import os, sys\ndef handler(e, c):\n  sys.stdout.close()\n  "
       "os.close(1)\n  return 1",
       "", "1"},
      {"SeesItsEnvironment",
       "exports.handler = () => [process.env.GREETING, process.env._HANDLER, "
       "process.env.AWS_LAMBDA_FUNCTION_MEMORY_SIZE, process.env.SECRET]",
       "import os\ndef handler(e, c):\n  g = os.environ.get\n  return "
       "[g('GREETING'), g('_HANDLER').replace('main', 'index'), "
       "g('AWS_LAMBDA_FUNCTION_MEMORY_SIZE'), g('SECRET')]",
       "", R"(["hello there","index.handler","128",null])"},
      {"SeesItsContext",
       "exports.handler = (e, c) => [c.awsRequestId, c.functionName, "
       "c.functionVersion, c.memoryLimitInMB, c.logGroupName, "
       "c.getRemainingTimeInMillis() > 1000 && c.getRemainingTimeInMillis() "
       "<= 15000]",
       "def handler(e, c):\n  left = c.get_remaining_time_in_millis()\n"
       "  return [c.aws_request_id, c.function_name, c.function_version, "
       "c.memory_limit_in_mb, c.log_group_name, 1000 < left <= 15000]",
       "", R"(["req-1","hello","3","128","/functions/hello",true])"},
      {"OpensOnlyItsDescriptors",
       "const fs = require('fs'); exports.handler = () => [0, 1, 2, 3].map(n "
       "=> "
       "fs.readlinkSync('/proc/self/fd/' + n).split(':')[0])",
       "import os\ndef handler(e, c):\n  return "
       "[os.readlink('/proc/self/fd/%d' "
       "% n).split(':')[0] for n in range(4)]",
       "", R"(["/dev/null","pipe","pipe","socket"])"},
      {"ThrowsInTheBackground",
       "exports.handler = async () => { setTimeout(() => { throw new "
       "Error('late') }, 1); await new Promise(r => setTimeout(r, 5000)) }",
       "", "FUNCTION_ERROR", "late", false},
      {"LeavesARejectionUnhandled",
       "exports.handler = async () => { Promise.reject(new Error('lost')); "
       "await new Promise(r => setTimeout(r, 5000)) }",
       "", "FUNCTION_ERROR", "lost", false},
      {"UsesACallback",
       "exports.handler = (e, c, cb) => setTimeout(() => cb(null, 'called'), "
       "1)",
       "", "", "\"called\""},
      {"FailsByCallback", "exports.handler = (e, c, cb) => cb(new Error('no'))",
       "", "FUNCTION_ERROR", "Error: no"},
      {"IsAnEsModule",
       "import fs from 'node:fs';\nexport const handler = async () => typeof "
       "fs.readFileSync",
       "", "", "\"function\""},
      {"IsCommonJsThatMentionsExport",
       "// export const x\nconst s = `import a from 'b'`;\nexports.handler = "
       "() "
       "=> s.length",
       "", "", "17"},
  };
}

class RuntimeConformanceTest
    : public ::testing::TestWithParam<std::tuple<std::string, Case>> {};

TEST_P(RuntimeConformanceTest, Behaves) {
  const auto& [runtime, expected] = GetParam();
  if (geteuid() != 0) GTEST_SKIP() << "needs root";
  const std::string& code = runtime == "node" ? expected.node : expected.python;
  if (code.empty()) GTEST_SKIP() << "means nothing in " << runtime;
  RealInstance instance(runtime, code);
  const InstanceOutcome start = instance.Start();
  ASSERT_TRUE(start.warm) << start.start_error.ShortDebugString();
  const pb::Result result = instance.Invoke();
  EXPECT_EQ(result.error().code(), expected.error)
      << result.error().ShortDebugString();
  EXPECT_THAT(expected.error.empty() ? result.body() : result.error().message(),
              HasSubstr(expected.contains));
  EXPECT_EQ(result.instance_free(), expected.free_after);
  EXPECT_GT(result.memory_used(), 1);
}

INSTANTIATE_TEST_SUITE_P(Runtimes, RuntimeConformanceTest,
                         ::testing::Combine(::testing::Values("node", "python"),
                                            ::testing::ValuesIn(Cases())),
                         [](const auto& parameter) {
                           return absl::StrCat(
                               std::get<0>(parameter.param), "_",
                               std::get<1>(parameter.param).name);
                         });

class EachRuntimeTest : public ::testing::TestWithParam<std::string> {
 protected:
  void SetUp() override {
    if (geteuid() != 0) GTEST_SKIP() << "needs root";
  }

  // The same program in the language at hand.
  static std::string Pick(const std::string& node, const std::string& python) {
    return GetParam() == "node" ? node : python;
  }
};

TEST_P(EachRuntimeTest, StatusAndHeadersComeThrough) {
  RealInstance instance(
      GetParam(),
      Pick(
          "exports.handler = async (e) => ({ statusCode: 201, headers: { a: 1, "
          "b: true, c: 'x' }, body: e })",
          "def handler(e, c):\n  return {'statusCode': 201, 'headers': {'a': "
          "1, 'b': True, 'c': 'x'}, 'body': e}"));
  ASSERT_TRUE(instance.Start().warm);
  const pb::Result result = instance.Invoke(R"({"k":"ä"})");
  EXPECT_EQ(result.status_code(), 201);
  EXPECT_EQ(result.headers().at("a"), "1");
  EXPECT_EQ(result.headers().at("b"), "true");
  EXPECT_EQ(result.headers().at("c"), "x");
  EXPECT_EQ(result.body(), R"({"k":"ä"})");
}

TEST_P(EachRuntimeTest, OutputBelongsToItsInvocation) {
  RealInstance instance(
      GetParam(),
      Pick("console.log('loading'); exports.handler = (e) => { "
           "console.log('out', e.n); console.error('err', e.n) }",
           "import sys\nprint('loading')\ndef handler(e, c):\n  print('out', "
           "e['n'])\n  print('err', e['n'], file=sys.stderr)"));
  ASSERT_TRUE(instance.Start().warm);
  EXPECT_THAT(instance.Invoke(R"({"n":1})").logs(),
              ::testing::ElementsAre("loading", "out 1", "err 1"));
  EXPECT_THAT(instance.Invoke(R"({"n":2})").logs(),
              ::testing::ElementsAre("out 2", "err 2"));
}

TEST_P(EachRuntimeTest, AFloodOfOutputIsCutAndStopsNothing) {
  RealInstance instance(
      GetParam(),
      Pick("exports.handler = () => { for (let i = 0; i < 3000; i++) "
           "console.log('x'.repeat(999)); return 1 }",
           "def handler(e, c):\n  for i in range(3000):\n    print('x' * "
           "999)\n  return 1"),
      {.log_limit = 1 << 20});
  ASSERT_TRUE(instance.Start().warm);
  const pb::Result result = instance.Invoke();
  EXPECT_EQ(result.body(), "1");
  EXPECT_TRUE(result.logs_truncated());
  EXPECT_EQ(result.logs(result.logs_size() - 1), "[truncated 1951424 bytes]");
}

TEST_P(EachRuntimeTest, TheDeadlineEndsEverything) {
  const std::string code = Pick(
      "const { spawn } = require('child_process');\nexports.handler = () => { "
      "const c = spawn('sleep', ['600'], { stdio: 'ignore' }); "
      "console.log(c.pid); while (true); }",
      "import subprocess\ndef handler(e, c):\n  p = subprocess.Popen(['sleep', "
      "'600'])\n  print(p.pid)\n  while True:\n    pass");
  RealInstance instance(GetParam(), code);
  ASSERT_TRUE(instance.Start().warm);
  const pb::Result result = instance.Invoke("{}", absl::Seconds(2));
  EXPECT_EQ(result.error().code(), "FUNCTION_TIMEOUT");
  EXPECT_EQ(result.error().message(), "hello did not finish within 2000 ms");
  ASSERT_EQ(result.logs_size(), 1);
  EXPECT_TRUE(instance.WaitUntilGone());
}

TEST_P(EachRuntimeTest, SaysWhyCodeCannotBeLoaded) {
  const std::vector<std::pair<std::string, std::string>> broken = {
      {Pick("exports.handler = (", "def handler(e, c)\n  return 1"),
       "SyntaxError"},
      {Pick("exports.other = 1", "other = 1"), "HandlerNotFound"},
      {Pick("throw new RangeError('top')", "raise ValueError('top')"), "top"},
      {Pick("process.exit(4)", "import sys\nsys.exit(4)"), "code 4"},
  };
  for (const auto& [code, contains] : broken) {
    RealInstance instance(GetParam(), code);
    const InstanceOutcome outcome = instance.Start();
    EXPECT_EQ(outcome.start_error.code(), "FUNCTION_INIT_FAILED");
    EXPECT_THAT(outcome.start_error.message(), HasSubstr(contains));
    for (const std::string& line : outcome.start_error.fault().stack()) {
      EXPECT_THAT(line, Not(HasSubstr(instance.dir().string())));
    }
    EXPECT_TRUE(instance.WaitUntilGone());
  }
}

TEST_P(EachRuntimeTest, CodeThatNeverLoadsIsGivenUp) {
  RealInstance instance(GetParam(),
                        Pick("while (true);", "while True:\n  pass"),
                        {.init_timeout = absl::Seconds(2)});
  EXPECT_THAT(instance.Start().start_error.message(),
              HasSubstr("was not loaded within 2000 ms"));
  EXPECT_TRUE(instance.WaitUntilGone());
}

TEST_P(EachRuntimeTest, MemoryBeyondTheLimitEndsTheCallNotTheMachine) {
  RealInstance instance(
      GetParam(),
      Pick("exports.handler = () => { const a = []; while (true) "
           "a.push(Buffer.alloc(8 << 20, 1)) }",
           "def handler(e, c):\n  a = []\n  while True:\n    "
           "a.append(bytearray(8 << 20))"),
      {.memory = 128});
  ASSERT_TRUE(instance.Start().warm);
  const pb::Result result = instance.Invoke();
  EXPECT_EQ(result.error().code(), "FUNCTION_OOM")
      << result.error().ShortDebugString();
  EXPECT_GT(result.memory_used(), 100);
  EXPECT_LT(result.memory_used(), 130);
}

TEST_P(EachRuntimeTest, RetiresOnSigtermAndLeavesNoFiles) {
  RealInstance instance(GetParam(), Pick("exports.handler = () => 1",
                                         "def handler(e, c):\n  return 1"));
  ASSERT_TRUE(instance.Start().warm);
  const pb::Result result = instance.Invoke();
  EXPECT_EQ(result.body(), "1");
  instance.Retire();
}

TEST_P(EachRuntimeTest, OneThatLeavesAProcessBehindIsNotUsedAgain) {
  RealInstance instance(
      GetParam(),
      Pick("const { spawn } = require('child_process');\n"
           "exports.handler = () => { spawn('sleep', ['600'], { stdio: "
           "'ignore', detached: true }).unref(); return 1 }",
           "import subprocess\ndef handler(e, c):\n  "
           "subprocess.Popen(['sleep', '600'])\n  return 1"));
  ASSERT_TRUE(instance.Start().warm);
  const pb::Result result = instance.Invoke();
  EXPECT_EQ(result.body(), "1");
  EXPECT_FALSE(result.instance_free());
  EXPECT_TRUE(instance.WaitUntilGone());
}

TEST_P(EachRuntimeTest, SleepsWhileItIsIdleAndWakesForTheNextCall) {
  // Counts the turns of a loop in the background.
  RealInstance instance(
      GetParam(),
      Pick("let n = 0; setInterval(() => { n++ }, 5);\nexports.handler = async "
           "() => { const m = n; await new Promise(r => setTimeout(r, 50)); "
           "return [m, n] }",
           "import threading, time\nn = 0\ndef count():\n  global n\n  while "
           "True:\n    time.sleep(0.005)\n    n += 1\n"
           "threading.Thread(target=count, daemon=True).start()\n"
           "def handler(e, c):\n  m = n\n  time.sleep(0.05)\n  return [m, n]"));
  ASSERT_TRUE(instance.Start().warm);
  const auto counted = [](const pb::Result& result) {
    std::pair<int, int> numbers;
    sscanf(result.body().c_str(), "[%d,%d]", &numbers.first, &numbers.second);
    return numbers;
  };
  const auto first = counted(instance.Invoke());
  EXPECT_GT(first.second, first.first);
  absl::SleepFor(absl::Seconds(2));
  const pb::Result result = instance.Invoke();
  // Awake, it would have counted to 300 by now.
  EXPECT_LT(counted(result).first - first.second, 100);
  EXPECT_GT(result.cpu_time(), 0);
}

INSTANTIATE_TEST_SUITE_P(Runtimes, EachRuntimeTest,
                         ::testing::Values("node", "python"),
                         [](const auto& parameter) { return parameter.param; });

}  // namespace
}  // namespace so
