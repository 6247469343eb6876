#pragma once

#include <string>
#include <vector>

#include "absl/functional/any_invocable.h"
#include "absl/status/statusor.h"
#include "serverless/registry/v1/registry.pb.h"
#include "services/registry/client/function_reference.h"
#include "services/registry/function_index.h"
#include "services/registry/function_store.h"
#include "services/registry/thread_pool.h"

namespace so {

// The registry's answers to questions. What is current is answered from memory,
// before the call returns; versions and code are read from the store on the
// pool's threads. Thread-safe; all three are borrowed.
class FunctionCatalog {
 public:
  using OnFunction = absl::AnyInvocable<void(absl::StatusOr<Function>)>;
  using OnVersions = absl::AnyInvocable<void(
      absl::StatusOr<serverless::registry::v1::ListVersionsResponse>)>;
  using OnCode = absl::AnyInvocable<void(absl::StatusOr<std::string>)>;

  FunctionCatalog(const FunctionIndex& index, FunctionStore& store,
                  ThreadPool& pool)
      : index_(index), store_(store), pool_(pool) {}

  // For clients: environment values are masked. `view` is "", "basic" or
  // "full".
  void Get(absl::string_view reference, absl::string_view view,
           OnFunction done) const;
  absl::StatusOr<serverless::registry::v1::ListFunctionsResponse> List(
      const serverless::registry::v1::ListFunctionsRequest& request) const;
  void ListVersions(
      const serverless::registry::v1::ListVersionsRequest& request,
      OnVersions done) const;

  // For services: the environment is in clear, without code.
  void Resolve(absl::string_view reference, OnFunction done) const;
  void ReadCode(const std::string& sha256, OnCode done) const;

 private:
  struct VersionsQuery {
    std::string id;
    int32_t current = 0;
    int64_t below = 0;
    int count = 0;
  };

  absl::StatusOr<VersionsQuery> ParseQuery(
      const serverless::registry::v1::ListVersionsRequest& request) const;
  absl::StatusOr<serverless::registry::v1::ListVersionsResponse> ReadVersions(
      const VersionsQuery& query) const;
  absl::StatusOr<Function> ReadAtVersion(const Function& current,
                                         int version) const;

  const FunctionIndex& index_;
  FunctionStore& store_;
  ThreadPool& pool_;
};

}  // namespace so
