// See turn_server.hpp.
#include "turn_server.hpp"

#include <arpa/inet.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <stdexcept>
#include <thread>
#include <vector>

namespace campaign::test {
namespace {

constexpr auto kDeadline = std::chrono::seconds(20);

sockaddr_in loopback(int port) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  address.sin_port = htons(std::uint16_t(port));
  return address;
}

// Free a moment ago: whoever takes it in between is found out by launch().
int free_port() {
  const int probe = socket(AF_INET, SOCK_STREAM, 0);
  sockaddr_in address = loopback(0);
  socklen_t size = sizeof address;
  if (bind(probe, reinterpret_cast<sockaddr*>(&address), size) != 0 ||
      getsockname(probe, reinterpret_cast<sockaddr*>(&address), &size) != 0)
    throw std::runtime_error("no free port on loopback");
  close(probe);
  return ntohs(address.sin_port);
}

bool listens(int port) {
  const int probe = socket(AF_INET, SOCK_STREAM, 0);
  const sockaddr_in address = loopback(port);
  const bool connected = connect(probe, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0;
  close(probe);
  return connected;
}

}  // namespace

TurnServer::TurnServer() {
  char name[] = "/tmp/campaign-turn-XXXXXX";
  folder_ = mkdtemp(name);
  for (int attempt = 0; attempt < 5; ++attempt) {
    port_ = free_port();
    if (launch()) return;
  }
  throw std::runtime_error("turnserver (of the package coturn) does not start; its log is above");
}

TurnServer::~TurnServer() {
  if (process_ > 0) {
    kill(process_, SIGKILL);
    waitpid(process_, nullptr, 0);
  }
  // std::filesystem::remove_all(folder_);
}

std::string TurnServer::uri(const char* transport) const {
  return "turn://viewer:secret@127.0.0.1:" + std::to_string(port_) + "?transport=" + transport;
}

// Counted in its log.
int TurnServer::allocations() const {
  int allocations = 0;
  std::ifstream log(folder_ + "/log");
  for (std::string line; std::getline(log, line);) {
    const auto says = [&](const char* what) { return line.find(what) != line.npos; };
    if (says(": new, realm=")) ++allocations;
    if (says(": delete: realm=")) --allocations;
  }
  return allocations;
}

bool TurnServer::launch() {
  std::vector<std::string> words{"turnserver",
                                 "-n",  // no configuration file
                                 "--no-stdout-log",
                                 "--verbose",
                                 "--simple-log",
                                 "--log-file=" + folder_ + "/log",
                                 "--pidfile=" + folder_ + "/pid",
                                 "--userdb=" + folder_ + "/users",
                                 "--listening-ip=127.0.0.1",
                                 "--relay-ip=127.0.0.1",
                                 "--listening-port=" + std::to_string(port_),
                                 "--allow-loopback-peers",
                                 "--no-tls",
                                 "--no-dtls",
                                 "--no-cli",
                                 "--lt-cred-mech",
                                 "--realm=campaign",
                                 "--user=viewer:secret"};
  std::vector<char*> arguments;
  for (std::string& word : words) arguments.push_back(word.data());
  arguments.push_back(nullptr);

  const pid_t parent = getpid();
  process_ = fork();
  if (process_ == 0) {
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (getppid() != parent) _exit(1);
    execvp(arguments[0], arguments.data());
    _exit(127);
  }
  const auto deadline = std::chrono::steady_clock::now() + kDeadline;
  while (!listens(port_)) {
    if (waitpid(process_, nullptr, WNOHANG) == process_) {
      process_ = -1;
      std::cerr << std::ifstream(folder_ + "/log").rdbuf();
      return false;
    }
    if (std::chrono::steady_clock::now() > deadline) throw std::runtime_error("turnserver does not listen");
    std::this_thread::sleep_for(std::chrono::milliseconds(2));
  }
  return true;
}

}  // namespace campaign::test
