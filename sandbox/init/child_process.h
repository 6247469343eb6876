#pragma once

#include <sys/types.h>

#include <string>
#include <vector>

#include "sandbox/init/config.h"

namespace so::init {

// Starts a program with default signal dispositions, in the current directory.
// A name without a slash is looked up in our PATH. Answers its process id, or
// -1 with errno set.
pid_t Spawn(const std::vector<std::string>& command,
            const Environment& environment);

// Ends this process as a child with this wait status ended: with its exit code,
// or by its signal. The first process of a namespace is immune to signals; then
// it is 128 and the signal, as shells have it.
[[noreturn]] void ExitLike(int wait_status);

}  // namespace so::init
