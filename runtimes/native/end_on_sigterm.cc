#include "runtimes/native/end_on_sigterm.h"

#include <unistd.h>

#include <csignal>

namespace so::runtimes {
namespace {

void End(int signal_number) {
  if (getpid() == 1) _exit(128 + signal_number);
  // In a fork of the function's the default works, and says how it ended.
  signal(signal_number, SIG_DFL);
  raise(signal_number);
}

}  // namespace

void EndOnSigterm() {
  struct sigaction action = {};
  action.sa_handler = &End;
  sigaction(SIGTERM, &action, nullptr);
}

}  // namespace so::runtimes
