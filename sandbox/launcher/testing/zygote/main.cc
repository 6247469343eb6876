// so-test-zygote: a zygote for tests. Its children do what they are told on
// descriptor 3, a line each, and answer with a line:
//   sh COMMAND       what the shell printed, lines joined by '|'
//   call N A B C     the errno of system call N with these arguments, 0 if none
//   fds              the open descriptors and what they lead to
//   memory BYTES     uses that much memory; answers "done" if it survives
// They exit with 7 when they get SIGTERM.
#include <dirent.h>
#include <signal.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <sstream>
#include <string>
#include <vector>

#include "sandbox/isolation/zygote.h"

namespace so {
namespace {

constexpr int kChannel = 3;

bool ReadLine(std::string& line) {
  line.clear();
  for (char c; read(kChannel, &c, 1) == 1;) {
    if (c == '\n') return true;
    line.push_back(c);
  }
  return false;
}

std::string RunShell(const std::string& command) {
  FILE* output = popen(("exec 2>&1; " + command).c_str(), "r");
  if (output == nullptr) return "popen failed";
  std::string text;
  for (int c; (c = fgetc(output)) != EOF;) {
    text.push_back(c == '\n' ? '|' : static_cast<char>(c));
  }
  pclose(output);
  return text;
}

std::string Call(std::istream& words) {
  long number = 0;
  unsigned long a = 0, b = 0, c = 0;
  words >> number >> a >> b >> c;
  return syscall(number, a, b, c, 0, 0) < 0 ? std::to_string(errno) : "0";
}

std::string Descriptors() {
  std::vector<std::string> found;
  DIR* directory = opendir("/proc/self/fd");
  if (directory == nullptr) return "cannot list";
  while (const dirent* entry = readdir(directory)) {
    const std::string name = entry->d_name;
    if (name[0] == '.' || std::atoi(name.c_str()) == dirfd(directory)) continue;
    char target[256] = {};
    if (readlink(("/proc/self/fd/" + name).c_str(), target,
                 sizeof(target) - 1) < 0) {
      continue;
    }
    found.push_back(
        name + "=" +
        std::string(target).substr(0, std::string(target).find(':')));
  }
  closedir(directory);
  std::sort(found.begin(), found.end());
  std::string text;
  for (const std::string& one : found) text += (text.empty() ? "" : " ") + one;
  return text;
}

std::string UseMemory(size_t bytes) {
  volatile char* memory = static_cast<char*>(std::malloc(bytes));
  for (size_t i = 0; i < bytes; i += 4096) memory[i] = 1;
  return "done";
}

std::string Answer(const std::string& line) {
  std::istringstream words(line);
  std::string verb;
  words >> verb;
  if (verb == "sh") return RunShell(line.substr(3));
  if (verb == "call") return Call(words);
  if (verb == "fds") return Descriptors();
  if (verb == "memory") {
    size_t bytes = 0;
    words >> bytes;
    return UseMemory(bytes);
  }
  return "unknown";
}

}  // namespace
}  // namespace so

int main() {
  so::isolation::ServeZygote({});
  signal(SIGTERM, [](int) { _exit(7); });
  for (std::string line; so::ReadLine(line);) {
    const std::string answer = so::Answer(line) + "\n";
    if (write(so::kChannel, answer.data(), answer.size()) < 0) return 1;
  }
  return 0;
}
