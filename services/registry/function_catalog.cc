#include "services/registry/function_catalog.h"

#include <limits>
#include <memory>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "base/error.h"
#include "base/status_macros.h"
#include "services/registry/client/archive_format.h"
#include "services/registry/client/sha256.h"
#include "services/registry/function_edits.h"
#include "services/registry/list_filter.h"
#include "services/registry/page_token.h"
#include "services/registry/registry_errors.h"

namespace so {
namespace {

using serverless::registry::v1::ListFunctionsRequest;
using serverless::registry::v1::ListFunctionsResponse;
using serverless::registry::v1::ListVersionsRequest;
using serverless::registry::v1::ListVersionsResponse;

// gRPC clients accept 4 MB unless told otherwise, so pages end before that.
constexpr size_t kMaxPageBytes = 3 << 20;
constexpr size_t kSlice = 1000;

// Runs `work` on the pool and hands its result to `done`.
template <typename Done, typename Work>
void RunOn(ThreadPool& pool, Done done, Work work) {
  auto shared = std::make_shared<Done>(std::move(done));
  const bool accepted = pool.Submit(
      [shared, work = std::move(work)]() mutable { (*shared)(work()); });
  if (!accepted) (*shared)(OverloadedError());
}

// Adds matching functions after `last` to a page; `next` is the name at which
// the next page goes on, empty when nothing is left.
void FillPage(const FunctionIndex& index, const ListFilter& filter,
              absl::string_view last, int page_size,
              ListFunctionsResponse& page, std::string& next) {
  // "\0" makes the smallest name above `last`.
  std::string from = last.empty()
                         ? filter.name_prefix()
                         : absl::StrCat(last, absl::string_view("\0", 1));
  size_t bytes = 0;
  std::string shown(last);
  while (true) {
    // In slices, so that a filter that matches little holds up no writer.
    const std::vector<FunctionPtr> slice = index.Slice(from, kSlice);
    for (const FunctionPtr& function : slice) {
      if (!absl::StartsWith(function->name(), filter.name_prefix())) return;
      if (!filter.Matches(*function)) continue;
      bytes += function->ByteSizeLong();
      if (page.functions_size() == page_size ||
          (bytes > kMaxPageBytes && page.functions_size() > 0)) {
        next = shown;
        return;
      }
      *page.add_functions() = Masked(*function);
      shown = function->name();
    }
    if (slice.size() < kSlice) return;
    from = absl::StrCat(slice.back()->name(), absl::string_view("\0", 1));
  }
}

}  // namespace

void FunctionCatalog::Get(absl::string_view reference, absl::string_view view,
                          OnFunction done) const {
  if (view != "" && view != "basic" && view != "full") {
    done(InvalidArgument("view", "must be one of basic, full"));
    return;
  }
  const bool full = view == "full";
  Resolve(reference, [this, full, done = std::move(done)](
                         absl::StatusOr<Function> function) mutable {
    if (!function.ok() || !full) {
      if (function.ok()) function = Masked(*std::move(function));
      done(std::move(function));
      return;
    }
    const std::string sha256 = function->code_sha256();
    ReadCode(sha256, [f = *std::move(function), done = std::move(done)](
                         absl::StatusOr<std::string> code) mutable {
      if (!code.ok()) {
        done(std::move(code).status());
        return;
      }
      if (IsArchive(*code)) {
        f.set_archive(*std::move(code));
      } else {
        f.set_code(*std::move(code));
      }
      done(Masked(std::move(f)));
    });
  });
}

void FunctionCatalog::Resolve(absl::string_view reference,
                              OnFunction done) const {
  const auto parsed = ParseFunctionReference(reference);
  if (!parsed.ok()) {
    done(parsed.status());
    return;
  }
  const auto record = index_.Find(parsed->function);
  if (!record.has_value()) {
    done(NoFunctionError(parsed->function));
    return;
  }
  const FunctionPtr current = record->function;
  if (!parsed->version || *parsed->version == current->version()) {
    done(*current);
    return;
  }
  RunOn(pool_, std::move(done), [this, current, version = *parsed->version] {
    return ReadAtVersion(*current, version);
  });
}

absl::StatusOr<Function> FunctionCatalog::ReadAtVersion(const Function& current,
                                                        int version) const {
  const auto found = store_.ReadVersion(current.id(), version);
  if (absl::IsNotFound(found.status())) {
    return NoVersionError(current.name(), version);
  }
  SO_RETURN_IF_ERROR(found.status());
  return AtVersion(current, *found);
}

void FunctionCatalog::ReadCode(const std::string& sha256, OnCode done) const {
  if (!IsSha256Hex(sha256)) {
    done(InvalidArgument("sha256", "must be 64 lower-case hex digits"));
    return;
  }
  RunOn(pool_, std::move(done),
        [this, sha256] { return store_.ReadCode(sha256); });
}

absl::StatusOr<ListFunctionsResponse> FunctionCatalog::List(
    const ListFunctionsRequest& request) const {
  const std::string scope = absl::StrCat("functions:", request.filter());
  SO_ASSIGN_OR_RETURN(const int page_size, PageSize(request.page_size()));
  SO_ASSIGN_OR_RETURN(const ListFilter filter,
                      ListFilter::Parse(request.filter()));
  SO_ASSIGN_OR_RETURN(const std::string last,
                      ParsePageToken(scope, request.page_token()));
  ListFunctionsResponse page;
  std::string next;
  FillPage(index_, filter, last, page_size, page, next);
  if (!next.empty()) page.set_next_page_token(MakePageToken(scope, next));
  return page;
}

void FunctionCatalog::ListVersions(const ListVersionsRequest& request,
                                   OnVersions done) const {
  absl::StatusOr<VersionsQuery> query = ParseQuery(request);
  if (!query.ok()) {
    done(query.status());
    return;
  }
  RunOn(pool_, std::move(done),
        [this, query = *std::move(query)] { return ReadVersions(query); });
}

absl::StatusOr<FunctionCatalog::VersionsQuery> FunctionCatalog::ParseQuery(
    const ListVersionsRequest& request) const {
  SO_ASSIGN_OR_RETURN(const FunctionReference reference,
                      ParseFunctionReference(request.id(), "id"));
  const auto record = index_.Find(reference.function);
  if (!record.has_value()) return NoFunctionError(reference.function);
  VersionsQuery query{.id = record->function->id(),
                      .current = record->function->version(),
                      .below = std::numeric_limits<int64_t>::max()};
  SO_ASSIGN_OR_RETURN(query.count, PageSize(request.page_size()));
  SO_ASSIGN_OR_RETURN(const std::string last,
                      ParsePageToken(query.id, request.page_token()));
  if (!last.empty() && !absl::SimpleAtoi(last, &query.below)) {
    return InvalidArgument("pageToken", "is malformed");
  }
  return query;
}

absl::StatusOr<ListVersionsResponse> FunctionCatalog::ReadVersions(
    const VersionsQuery& query) const {
  // One more than shown tells whether there is another page.
  SO_ASSIGN_OR_RETURN(
      const std::vector<Function> versions,
      store_.ReadVersions(query.id, query.below, query.count + 1));
  ListVersionsResponse page;
  page.set_function_id(query.id);
  for (const Function& version : versions) {
    if (page.versions_size() == query.count) {
      const int32_t last = page.versions(query.count - 1).version();
      page.set_next_page_token(MakePageToken(query.id, absl::StrCat(last)));
      break;
    }
    *page.add_versions() = MaskedVersion(version, query.current);
  }
  return page;
}

}  // namespace so
