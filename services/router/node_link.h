#pragma once

#include "serverless/pool/v1/pool.pb.h"

namespace so {

// The router's side of a connection to one pool. What is sent while the
// connection is down is lost; OnDisconnected tells. Thread-safe.
class NodeLink {
 public:
  // Hears from the pool: one call at a time, in the order of the stream. Must
  // not hold a lock that its calls of NodeLink need.
  class Listener {
   public:
    virtual ~Listener() = default;
    // The pool's instances follow as OnInstance.
    virtual void OnConnected(const serverless::pool::v1::PoolHello& hello) = 0;
    // Everything known of the pool is void.
    virtual void OnDisconnected() = 0;
    virtual void OnInstance(
        const serverless::pool::v1::InstanceUpdate& update) = 0;
    virtual void OnStartFailed(
        const serverless::pool::v1::StartFailed& failure) = 0;
    virtual void OnStarted(const serverless::pool::v1::Started& started) = 0;
    // More of a large event may be sent.
    virtual void OnEventCredit(
        const serverless::pool::v1::EventCredit& credit) = 0;
    virtual void OnRejected(const serverless::pool::v1::Rejected& rejected) = 0;
    virtual void OnPart(serverless::pool::v1::ResponsePart part) = 0;
    virtual void OnResult(serverless::pool::v1::Result result) = 0;
  };

  virtual ~NodeLink() = default;
  virtual void Start(serverless::pool::v1::StartInstance start) = 0;
  virtual void Dispatch(serverless::pool::v1::Dispatch dispatch) = 0;
  virtual void SendEvent(serverless::pool::v1::EventPart part) = 0;
  virtual void Cancel(serverless::pool::v1::Cancel cancel) = 0;
  virtual void Grant(serverless::pool::v1::Credit credit) = 0;
};

}  // namespace so
