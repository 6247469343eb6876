#pragma once

namespace so::runtimes {

// Tells V8 that it has no worker threads, which is what holds in a fork: node
// starts at least one, and its collector would leave work for it and then wait.
// False when this node is built unlike all that are known.
bool PretendNoWorkerThreads();

}  // namespace so::runtimes
