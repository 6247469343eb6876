#pragma once

#include <string>
#include <string_view>

namespace so::unpack {

// Looks through the names in a zip's directory for what libarchive cuts off
// before anybody sees it: everything behind a NUL. Answers the reason of a
// refusal, or nothing.
std::string CheckZipNames(std::string_view zip);

}  // namespace so::unpack
