// A viewer's way to the server: libnice as the controlled side, on one local address. One thread, whose main
// context drives it; handlers are called from there and must not destroy the agent.
#pragma once

#include <nice/agent.h>

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "pipelines/load/media/bytes.hpp"
#include "util/glib_ptr.hpp"
#include "util/result.hpp"

namespace campaign::load {

class IceAgent {
 public:
  struct Handlers {
    std::function<void(const std::string&)> candidate;  // "candidate:…" of ours, to be told to the server
    std::function<void()> connected;                    // once or more often
    std::function<void()> failed;
    std::function<void(std::span<std::uint8_t>)> received;  // a datagram, to be changed in place at will
  };

  // `family`: of the addresses to use at first; the one by which the server was reached.
  static Result<std::unique_ptr<IceAgent>> make(GMainContext* context, GSocketFamily family,
                                                Handlers handlers);
  IceAgent(const IceAgent&) = delete;
  ~IceAgent();

  const std::string& ufrag() const { return ufrag_; }
  const std::string& pwd() const { return pwd_; }

  Result<void> set_remote(const std::string& ufrag, const std::string& pwd);

  // "candidate:…"; what this agent has no use for (TCP, mDNS names) is ignored. The first one that fits opens
  // the agent's one socket, on the address from which this machine reaches it: a socket on every interface
  // would only be more to poll, and a server on this machine leaves the loopback interface out.
  Result<void> add_remote_candidate(const std::string& candidate);
  // No candidate of the preferred family came: those of the other one will do.
  Result<void> take_any_family();
  bool has_socket() const { return has_socket_; }

  void send(Bytes datagram);

 private:
  struct CandidateFree {
    void operator()(NiceCandidate* candidate) const { nice_candidate_free(candidate); }
  };
  using Candidate = std::unique_ptr<NiceCandidate, CandidateFree>;

  IceAgent(GMainContext* context, GSocketFamily family, Handlers handlers);
  Result<void> take(Candidate candidate);
  Result<void> open_socket(const NiceAddress& towards);
  static void received(NiceAgent*, guint, guint, guint size, char* data, gpointer self);

  Handlers handlers_;
  ObjectPtr<NiceAgent> agent_;
  GMainContext* context_;
  guint stream_ = 0;
  gulong state_signal_ = 0;
  std::string ufrag_, pwd_;
  GSocketFamily family_;
  bool has_socket_ = false;
  std::vector<Candidate> aside_;  // of the other family
};

}  // namespace campaign::load
