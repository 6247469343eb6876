#pragma once

#include <memory>
#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "base/testing/manual_clock.h"
#include "base/testing/status_matchers.h"
#include "services/pool/client/testing/fake_function_builder.h"
#include "services/registry/function_registry.h"
#include "services/registry/sqlite_function_store.h"
#include "services/registry/testing/await.h"
#include "services/registry/testing/failing_function_store.h"
#include "services/registry/testing/functions.h"
#include "services/registry/testing/temp_dir.h"

namespace so {

using FunctionOr = absl::StatusOr<Function>;

// The fields that a refusal names.
inline std::vector<std::string> WrongFields(const absl::Status& status) {
  std::vector<std::string> fields;
  const Error error = ErrorFromStatus(status);
  for (const FieldProblem& detail : error.details()) {
    fields.push_back(detail.field());
  }
  return fields;
}

// A registry on a disk of its own, and its calls made synchronous.
class FunctionRegistryTest : public testing::Test {
 protected:
  FunctionRegistryTest() { Open(); }

  void Open() {
    registry_ = nullptr;
    failing_ = nullptr;
    store_ = nullptr;
    auto store = SqliteFunctionStore::Create(dir_.path());
    ASSERT_THAT(store, IsOk());
    store_ = *std::move(store);
    failing_ = std::make_unique<FailingFunctionStore>(*store_);
    failing_->FailPutsOf("bad");
    auto registry = FunctionRegistry::Create({}, *failing_, builder_, clock_);
    ASSERT_THAT(registry, IsOk());
    registry_ = *std::move(registry);
  }

  FunctionOr Create(const Function& function) {
    return Await<FunctionOr>(
        [&](auto done) { registry_->Create(function, std::move(done)); });
  }
  FunctionOr Get(absl::string_view reference, absl::string_view view = "") {
    return Await<FunctionOr>([&](auto done) {
      registry_->catalog().Get(reference, view, std::move(done));
    });
  }
  FunctionOr Resolve(absl::string_view reference) {
    return Await<FunctionOr>([&](auto done) {
      registry_->catalog().Resolve(reference, std::move(done));
    });
  }
  FunctionOr Replace(absl::string_view id, const Function& function,
                     absl::string_view etag = "") {
    serverless::registry::v1::ReplaceFunctionRequest request;
    request.set_id(std::string(id));
    *request.mutable_function() = function;
    request.set_etag(std::string(etag));
    return Await<FunctionOr>(
        [&](auto done) { registry_->Replace(request, std::move(done)); });
  }
  FunctionOr Update(absl::string_view id, const Function& function,
                    const std::vector<std::string>& mask,
                    absl::string_view etag = "") {
    serverless::registry::v1::UpdateFunctionRequest request;
    request.set_id(std::string(id));
    *request.mutable_function() = function;
    for (const auto& path : mask)
      request.mutable_update_mask()->add_paths(path);
    request.set_etag(std::string(etag));
    return Await<FunctionOr>(
        [&](auto done) { registry_->Update(request, std::move(done)); });
  }
  FunctionOr Rollback(absl::string_view id, int version,
                      absl::string_view etag = "") {
    serverless::registry::v1::RollbackFunctionRequest request;
    request.set_id(std::string(id));
    request.set_version(version);
    request.set_etag(std::string(etag));
    return Await<FunctionOr>(
        [&](auto done) { registry_->Rollback(request, std::move(done)); });
  }
  absl::Status Delete(absl::string_view id, absl::string_view etag = "") {
    serverless::registry::v1::DeleteFunctionRequest request;
    request.set_id(std::string(id));
    request.set_etag(std::string(etag));
    return Await<absl::Status>(
        [&](auto done) { registry_->Delete(request, std::move(done)); });
  }
  absl::StatusOr<serverless::registry::v1::ListFunctionsResponse> List(
      absl::string_view filter = "", int page_size = 0,
      absl::string_view token = "") {
    serverless::registry::v1::ListFunctionsRequest request;
    request.set_filter(std::string(filter));
    request.set_page_size(page_size);
    request.set_page_token(std::string(token));
    return registry_->catalog().List(request);
  }
  absl::StatusOr<serverless::registry::v1::ListVersionsResponse> Versions(
      absl::string_view id, int page_size = 0, absl::string_view token = "") {
    serverless::registry::v1::ListVersionsRequest request;
    request.set_id(std::string(id));
    request.set_page_size(page_size);
    request.set_page_token(std::string(token));
    return Await<
        absl::StatusOr<serverless::registry::v1::ListVersionsResponse>>(
        [&](auto done) {
          registry_->catalog().ListVersions(request, std::move(done));
        });
  }

  TempDir dir_;
  ManualClock clock_;
  FakeFunctionBuilder builder_;
  std::unique_ptr<FunctionStore> store_;
  std::unique_ptr<FailingFunctionStore> failing_;
  std::unique_ptr<FunctionRegistry> registry_;
};

}  // namespace so
