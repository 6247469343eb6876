#pragma once

namespace so::runtimes {

// Moves the memory of this process that its forks will share onto huge pages:
// its private data and the program's code. A fork then copies one entry instead
// of 512, finds the code mapped, and has less to give back at its end; what it
// writes to is still copied in small pages. Memory that cannot be moved stays
// as it is.
//
// While this runs no other thread may write to memory or run the program's
// code.
void UseHugePages();

}  // namespace so::runtimes
