#include "services/registry/client/grpc_code_source.h"

#include <string>
#include <utility>

#include "base/error.h"
#include "rpc/client_call.h"
#include "services/registry/client/sha256.h"

namespace so {
namespace {

using serverless::registry::v1::GetCodeRequest;
using serverless::registry::v1::GetCodeResponse;
using serverless::registry::v1::RegistryFeedService;

constexpr absl::Duration kDeadline = absl::Seconds(30);

absl::StatusOr<Code> Checked(absl::StatusOr<GetCodeResponse> response,
                             absl::string_view sha256) {
  if (!response.ok()) return response.status();
  if (Sha256Hex(response->content()) != sha256) {
    return absl::DataLossError("code does not have the hash it is named by");
  }
  return Code{.content = std::move(*response->mutable_content()),
              .is_archive = response->is_archive()};
}

}  // namespace

GrpcCodeSource::GrpcCodeSource(RpcLoop& loop,
                               std::shared_ptr<grpc::Channel> channel)
    : loop_(loop), stub_(RegistryFeedService::NewStub(std::move(channel))) {}

GrpcCodeSource::~GrpcCodeSource() { calls_.Stop(); }

void GrpcCodeSource::Fetch(absl::string_view sha256, OnCode done) {
  if (!IsSha256Hex(sha256)) {
    done(InvalidArgument("sha256", "must be 64 lower-case hex digits"));
    return;
  }
  GetCodeRequest request;
  request.set_sha256(std::string(sha256));
  auto context = std::make_shared<grpc::ClientContext*>(nullptr);
  CallUnary<GetCodeResponse>(
      kDeadline,
      [&](grpc::ClientContext* c) {
        *context = c;
        calls_.Add(c);
        return stub_->PrepareAsyncGetCode(c, request, loop_.queue());
      },
      [this, context, hash = std::string(sha256),
       done = std::move(done)](absl::StatusOr<GetCodeResponse> r) mutable {
        done(Checked(std::move(r), hash));
        done = nullptr;
        calls_.Remove(*context);
      });
}

}  // namespace so
