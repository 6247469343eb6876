#include "services/registry/page_token.h"

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "base/error.h"
#include "services/registry/client/sha256.h"

namespace so {
namespace {

constexpr size_t kScopeDigits = 12;
constexpr size_t kMaxTokenBytes = 512;

std::string ScopeMark(absl::string_view scope) {
  return Sha256Hex(scope).substr(0, kScopeDigits);
}

}  // namespace

std::string MakePageToken(absl::string_view scope, absl::string_view last) {
  return absl::WebSafeBase64Escape(absl::StrCat(ScopeMark(scope), last));
}

absl::StatusOr<std::string> ParsePageToken(absl::string_view scope,
                                           absl::string_view token) {
  if (token.empty()) return std::string();
  std::string text;
  if (token.size() > kMaxTokenBytes ||
      !absl::WebSafeBase64Unescape(token, &text) ||
      text.size() <= kScopeDigits ||
      text.substr(0, kScopeDigits) != ScopeMark(scope)) {
    return InvalidArgument(
        "pageToken",
        "must be the nextPageToken of a page of the same list and filter");
  }
  return text.substr(kScopeDigits);
}

absl::StatusOr<int> PageSize(int requested) {
  if (requested == 0) return 100;
  if (requested < 1 || requested > 1000) {
    return InvalidArgument("pageSize", "must be 1 to 1000");
  }
  return requested;
}

}  // namespace so
