#pragma once

#include <chrono>
#include <memory>
#include <utility>

#include "absl/functional/any_invocable.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "grpcpp/client_context.h"
#include "grpcpp/support/async_unary_call.h"
#include "rpc/loop.h"
#include "rpc/status.h"

namespace so {

// One asynchronous unary call with a deadline. `done` runs once, on the loop,
// and must not block.
//
//   CallUnary<ResolveFunctionResponse>(
//       absl::Seconds(2),
//       [&](grpc::ClientContext* context) {
//         return stub->PrepareAsyncResolveFunction(context, request,
//                                                  loop.queue());
//       },
//       [](absl::StatusOr<ResolveFunctionResponse> response) {...});
template <typename Response>
void CallUnary(
    absl::Duration timeout,
    absl::AnyInvocable<std::unique_ptr<
        grpc::ClientAsyncResponseReader<Response>>(grpc::ClientContext*)>
        prepare,
    absl::AnyInvocable<void(absl::StatusOr<Response>)> done) {
  struct Call {
    void Finished() {
      if (status.ok()) {
        done(std::move(response));
      } else {
        done(FromGrpc(status));
      }
    }

    grpc::ClientContext context;
    std::unique_ptr<grpc::ClientAsyncResponseReader<Response>> reader;
    Response response;
    grpc::Status status;
    absl::AnyInvocable<void(absl::StatusOr<Response>)> done;
    RpcEvent finished{[this](bool) { Finished(); }};
  };
  auto call = std::make_shared<Call>();
  call->done = std::move(done);
  call->context.set_deadline(std::chrono::system_clock::now() +
                             absl::ToChronoMilliseconds(timeout));
  call->reader = prepare(&call->context);
  call->reader->StartCall();
  void* const tag = call->finished.Begin(call);
  call->reader->Finish(&call->response, &call->status, tag);
}

}  // namespace so
