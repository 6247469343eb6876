#pragma once

namespace so::init {

// The life of the first process in a sandbox, from HELLO on: runs the
// function's bootstrap (or a task) as CONFIG says, and translates between it
// and the pool. Reaps orphans. Expects descriptor 3 to be the channel of the
// runtime contract.
[[noreturn]] void RunInstance();

}  // namespace so::init
