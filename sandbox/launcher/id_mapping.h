#pragma once

#include <sys/types.h>

#include "base/unique_fd.h"
#include "sandbox/isolation/outcome.h"

namespace so {

// Makes files of `owner` below an unattached mount appear to belong to `user`,
// and what `user` makes there belong to `owner`: the files themselves never
// change hands.
isolation::Outcome MapOwner(const UniqueFd& mount, uid_t owner, uid_t user);

}  // namespace so
