#pragma once

#include "absl/functional/any_invocable.h"
#include "absl/status/statusor.h"
#include "serverless/scaler/v1/scaler.pb.h"
#include "services/registry/client/function_directory.h"
#include "services/scaler/archive/archive.h"
#include "services/scaler/invocation_logs.h"

namespace so {

// Answers ListDecisions: pages of the archive, and what explains a call.
// Thread-safe; `done` is called once, on any thread.
class DecisionReader {
 public:
  using Request = serverless::scaler::v1::ListDecisionsRequest;
  using Response = serverless::scaler::v1::ListDecisionsResponse;
  using Done = absl::AnyInvocable<void(absl::StatusOr<Response>)>;

  // Borrowed; must outlive their answers.
  struct Dependencies {
    FunctionDirectory& directory;
    Archive& archive;
    InvocationLogs& logs;
  };

  explicit DecisionReader(Dependencies dependencies)
      : dependencies_(dependencies) {}

  void List(const Request& request, Done done);

 private:
  void ListPage(DecisionQuery query, Done done);
  void Explain(DecisionQuery query, const std::string& request_id, Done done);

  const Dependencies dependencies_;
};

}  // namespace so
