#pragma once

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/functional/any_invocable.h"
#include "rpc/open_calls.h"
#include "rpc/server_call.h"
#include "rpc/server_stream.h"
#include "rpc/server_writer.h"

namespace so {

// What a Server needs of a service.
class AnyService {
 public:
  virtual ~AnyService() = default;

  // Its full name, "serverless.router.v1.RouterService".
  virtual std::string name() const = 0;
  // What gRPC knows the service by.
  virtual grpc::Service& generated() = 0;
  // Begins to take calls; once, when the server has been started.
  virtual void Listen(grpc::ServerCompletionQueue* queue) = 0;
  // Waits until no handler or callback of a call will run any more. The server
  // has been shut down. Not on the loop.
  virtual void WaitUntilQuiet() = 0;
};

// Takes the calls of one method, one after the other.
class AnyAcceptor {
 public:
  virtual ~AnyAcceptor() = default;
  virtual void Listen(grpc::ServerCompletionQueue* queue) = 0;
};

// `Method` asks gRPC for the next call; `Call` is a ServerCall, ServerStream or
// ServerWriter.
template <typename Method, typename Call>
class Acceptor final : public AnyAcceptor {
 public:
  using Handler = absl::AnyInvocable<void(std::shared_ptr<Call>)>;

  Acceptor(Method method, Handler handler, OpenCalls& open_calls)
      : method_(std::move(method)),
        handler_(std::move(handler)),
        open_calls_(open_calls) {}

  void Listen(grpc::ServerCompletionQueue* queue) override {
    queue_ = queue;
    open_calls_.Add();
    Next();
  }

 private:
  void Next() {
    call_ = std::make_shared<Call>();
    call_->Await(method_, queue_, arrived_.Begin(nullptr));
  }

  void OnArrived(bool ok) {
    const std::shared_ptr<Call> call = std::move(call_);
    if (!ok) {
      // The server is shutting down.
      open_calls_.Remove();
      return;
    }
    call->Arrived(&open_calls_);
    Next();
    handler_(call);
  }

  Method method_;
  Handler handler_;
  OpenCalls& open_calls_;
  grpc::ServerCompletionQueue* queue_ = nullptr;
  std::shared_ptr<Call> call_;
  RpcEvent arrived_{[this](bool ok) { OnArrived(ok); }};
};

// A gRPC service, whose handlers run on the server's loop:
//
//   class Greeter final : public Service<greeter::v1::GreeterService> {
//    public:
//     Greeter() { Unary(&Generated::RequestGreet, &Greeter::Greet); }
//    private:
//     void Greet(CallPtr<GreetRequest, GreetResponse> call);
//   };
//
// A method that is not named in the constructor answers UNIMPLEMENTED.
template <typename Api>
class Service : public AnyService {
 public:
  std::string name() const final { return Api::service_full_name(); }
  grpc::Service& generated() final { return generated_; }
  void Listen(grpc::ServerCompletionQueue* queue) final {
    for (const auto& acceptor : acceptors_) acceptor->Listen(queue);
  }
  void WaitUntilQuiet() final { open_calls_.WaitForNone(); }

 protected:
  using Generated = typename Api::AsyncService;

  template <typename Base, typename Request, typename Response, typename Self>
  void Unary(void (Base::*next)(grpc::ServerContext*, Request*,
                                grpc::ServerAsyncResponseWriter<Response>*,
                                grpc::CompletionQueue*,
                                grpc::ServerCompletionQueue*, void*),
             void (Self::*handler)(CallPtr<Request, Response>)) {
    Accept<ServerCall<Request, Response>, Base>(next, handler);
  }

  template <typename Base, typename In, typename Out, typename Self>
  void Stream(void (Base::*next)(grpc::ServerContext*,
                                 grpc::ServerAsyncReaderWriter<Out, In>*,
                                 grpc::CompletionQueue*,
                                 grpc::ServerCompletionQueue*, void*),
              void (Self::*handler)(StreamPtr<In, Out>)) {
    Accept<ServerStream<In, Out>, Base>(next, handler);
  }

  template <typename Base, typename Request, typename Out, typename Self>
  void Writer(void (Base::*next)(grpc::ServerContext*, Request*,
                                 grpc::ServerAsyncWriter<Out>*,
                                 grpc::CompletionQueue*,
                                 grpc::ServerCompletionQueue*, void*),
              void (Self::*handler)(WriterPtr<Request, Out>)) {
    Accept<ServerWriter<Request, Out>, Base>(next, handler);
  }

 private:
  template <typename Call, typename Base, typename Next, typename Self>
  void Accept(Next next, void (Self::*handler)(std::shared_ptr<Call>)) {
    Base* const base = &generated_;
    Self* const self = static_cast<Self*>(this);
    // Its arguments are the context, what the method has, the queue, and the
    // tag.
    auto method = [base, next](auto* context, auto*... parts) {
      CallNext(base, next, context, parts...);
    };
    acceptors_.push_back(std::make_unique<Acceptor<decltype(method), Call>>(
        std::move(method),
        [self, handler](std::shared_ptr<Call> call) {
          (self->*handler)(std::move(call));
        },
        open_calls_));
  }

  template <typename Base, typename Next, typename Request, typename Responder>
  static void CallNext(Base* base, Next next, grpc::ServerContext* context,
                       Request* request, Responder* responder,
                       grpc::ServerCompletionQueue* queue, void* tag) {
    (base->*next)(context, request, responder, queue, queue, tag);
  }
  template <typename Base, typename Next, typename Stream>
  static void CallNext(Base* base, Next next, grpc::ServerContext* context,
                       Stream* stream, grpc::ServerCompletionQueue* queue,
                       void* tag) {
    (base->*next)(context, stream, queue, queue, tag);
  }

  Generated generated_;
  OpenCalls open_calls_;
  std::vector<std::unique_ptr<AnyAcceptor>> acceptors_;
};

}  // namespace so
