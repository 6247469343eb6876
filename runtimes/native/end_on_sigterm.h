#pragma once

namespace so::runtimes {

// Makes SIGTERM end this process as it ends any other. The kernel drops signals
// that the first process of a pid namespace does not handle, so this handles
// it, in C, where languages look upon it as the default. What a function
// installs instead wins, and programs that it starts have the default again.
void EndOnSigterm();

}  // namespace so::runtimes
