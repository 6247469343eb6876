#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <utility>

#include "absl/functional/any_invocable.h"
#include "absl/status/statusor.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "grpcpp/client_context.h"
#include "rpc/status.h"

namespace so {

// One asynchronous unary call with a deadline. `done` runs once, on a gRPC
// thread, and must not block.
//
//   CallUnary<ResolveFunctionRequest, ResolveFunctionResponse>(
//       request, absl::Seconds(2),
//       [&](auto* context, auto* request, auto* response, auto on_done) {
//         stub->async()->ResolveFunction(context, request, response, on_done);
//       },
//       [](absl::StatusOr<ResolveFunctionResponse> response) {...});
template <typename Request, typename Response>
void CallUnary(
    Request request, absl::Duration timeout,
    absl::AnyInvocable<void(grpc::ClientContext*, const Request*, Response*,
                            std::function<void(grpc::Status)>)>
        start,
    absl::AnyInvocable<void(absl::StatusOr<Response>)> done) {
  struct State {
    grpc::ClientContext context;
    Request request;
    Response response;
    absl::AnyInvocable<void(absl::StatusOr<Response>)> done;
  };
  auto state = std::make_shared<State>();
  state->request = std::move(request);
  state->done = std::move(done);
  state->context.set_deadline(std::chrono::system_clock::now() +
                              absl::ToChronoMilliseconds(timeout));
  start(&state->context, &state->request, &state->response,
        [state](grpc::Status status) {
          if (status.ok()) {
            state->done(std::move(state->response));
          } else {
            state->done(FromGrpc(status));
          }
        });
}

}  // namespace so
