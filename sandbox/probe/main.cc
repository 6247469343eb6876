// so-probe: what the launcher puts into the sandbox of its self-check. A zygote
// whose children answer commands, a line each, on descriptor 3:
//   layers        what is not isolated, or "ok"
//   echo          "echo"
//   processes N   starts N processes: "refused" when that fails, else "done"
//   memory N      uses N bytes, which should be more than it survives
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdlib>
#include <cstring>
#include <string>
#include <vector>

#include "sandbox/isolation/zygote.h"
#include "sandbox/probe/layer_checks.h"

namespace so {
namespace {

constexpr int kChannel = 3;

bool ReadLine(std::string& line) {
  line.clear();
  char c;
  while (read(kChannel, &c, 1) == 1) {
    if (c == '\n') return true;
    line.push_back(c);
  }
  return false;
}

void WriteLine(const std::string& line) {
  const std::string text = line + "\n";
  if (write(kChannel, text.data(), text.size()) < 0) _exit(1);
}

std::string Layers() {
  const std::vector<std::string> problems = FindLayerProblems();
  if (problems.empty()) return "ok";
  std::string answer;
  for (const std::string& problem : problems) {
    if (!answer.empty()) answer += '\t';
    answer += problem;
  }
  return answer;
}

std::string Processes(long count) {
  std::vector<pid_t> started;
  bool refused = false;
  for (long i = 0; i < count && !refused; ++i) {
    const pid_t pid = fork();
    if (pid == 0) {
      while (true) pause();
    }
    if (pid < 0) {
      refused = true;
    } else {
      started.push_back(pid);
    }
  }
  for (const pid_t pid : started) kill(pid, SIGKILL);
  for (const pid_t pid : started) waitpid(pid, nullptr, 0);
  return refused ? "refused" : "done";
}

std::string Memory(long bytes) {
  volatile char* memory = static_cast<char*>(std::malloc(bytes));
  if (memory == nullptr) return "refused";
  for (long i = 0; i < bytes; i += 4096) memory[i] = 1;
  return "done";
}

std::string Answer(const std::string& command) {
  const size_t space = command.find(' ');
  const std::string verb = command.substr(0, space);
  const long number =
      space == std::string::npos ? 0 : std::atol(command.c_str() + space);
  if (verb == "layers") return Layers();
  if (verb == "echo") return "echo";
  if (verb == "processes") return Processes(number);
  if (verb == "memory") return Memory(number);
  return "unknown command";
}

}  // namespace
}  // namespace so

int main() {
  so::isolation::ServeZygote({});
  for (std::string command; so::ReadLine(command);) {
    so::WriteLine(so::Answer(command));
  }
  return 0;
}
