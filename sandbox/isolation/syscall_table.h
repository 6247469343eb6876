#pragma once

#include <span>

// Which system calls a sandbox may make. What is in neither list does not exist
// for it (ENOSYS), so that programs fall back on older calls.
namespace so::isolation {

// Allowed whatever their arguments.
std::span<const char* const> AllowedSyscalls();

// Refused (EPERM): they change or inspect more than the sandbox itself.
std::span<const char* const> DeniedSyscalls();

// Allowed by number: calls newer than the C library's headers.
std::span<const int> AllowedSyscallNumbers();

}  // namespace so::isolation
