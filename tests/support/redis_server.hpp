// A real redis-server of a test's own, on a Unix socket in a folder of its own (and on a port of loopback
// where asked for), that can be frozen, killed and started again. It ends with the test, however that ends.
#pragma once

#include <sys/types.h>

#include <initializer_list>
#include <string>
#include <vector>

namespace campaign::test {

class RedisServer {
 public:
  struct Options {
    bool durable = false;                // has everything again after a kill and a start
    bool tcp = false;                    // also on a free port
    std::vector<std::string> more = {};  // of redis-server's own options
  };

  RedisServer() : RedisServer(Options()) {}
  explicit RedisServer(Options options);
  RedisServer(const RedisServer&) = delete;
  ~RedisServer();

  std::string url() const;      // unix://…
  std::string tcp_url() const;  // redis://127.0.0.1:…

  void start();   // and waits until it answers; only after kill()
  void kill();    // SIGKILL
  void freeze();  // SIGSTOP: connections stay and nothing answers
  void thaw();
  // From outside of what is tested. The answer, one line an element.
  std::string ask(const std::vector<std::string>& words) const;

 private:
  bool answers() const;
  bool launch();  // once; false if it ended before it answered

  Options options_;
  std::string folder_;
  int port_ = 0;
  pid_t process_ = -1;
};

}  // namespace campaign::test
