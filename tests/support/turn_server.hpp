// A real TURN server (coturn) of a test's own, on a free port of loopback, by UDP and TCP. It ends with the
// test, however that ends.
#pragma once

#include <sys/types.h>

#include <string>

namespace campaign::test {

class TurnServer {
 public:
  TurnServer();  // and waits until it listens
  TurnServer(const TurnServer&) = delete;
  ~TurnServer();

  std::string uri(const char* transport) const;  // "udp" or "tcp"
  int allocations() const;                       // that it keeps for clients

 private:
  bool launch();  // once; false if it ended before it listened

  std::string folder_;
  int port_ = 0;
  pid_t process_ = -1;
};

}  // namespace campaign::test
