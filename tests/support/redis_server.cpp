// See redis_server.hpp.
#include "redis_server.hpp"

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <hiredis/hiredis.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <memory>
#include <stdexcept>
#include <thread>

namespace campaign::test {
namespace {

constexpr auto kDeadline = std::chrono::seconds(20);

struct Close {
  void operator()(redisContext* context) const { redisFree(context); }
  void operator()(redisReply* reply) const { freeReplyObject(reply); }
};

// Free a moment ago: whoever takes it in between is found out by launch().
int free_port() {
  const int probe = socket(AF_INET, SOCK_STREAM, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof address;
  if (bind(probe, reinterpret_cast<sockaddr*>(&address), size) != 0 ||
      getsockname(probe, reinterpret_cast<sockaddr*>(&address), &size) != 0)
    throw std::runtime_error("no free port on loopback");
  close(probe);
  return ntohs(address.sin_port);
}

std::string lines(const redisReply& reply) {
  switch (reply.type) {
    case REDIS_REPLY_INTEGER:
      return std::to_string(reply.integer);
    case REDIS_REPLY_NIL:
      return "";
    case REDIS_REPLY_ARRAY: {
      std::string text;
      for (std::size_t i = 0; i < reply.elements; ++i)
        text.append(i ? "\n" : "").append(lines(*reply.element[i]));
      return text;
    }
    default:
      return std::string(reply.str, reply.len);
  }
}

}  // namespace

RedisServer::RedisServer(Options options) : options_(std::move(options)) {
  char name[] = "/tmp/campaign-redis-XXXXXX";
  folder_ = mkdtemp(name);
  start();
}

RedisServer::~RedisServer() {
  kill();
  std::filesystem::remove_all(folder_);
}

std::string RedisServer::url() const { return "unix://" + folder_ + "/socket"; }
std::string RedisServer::tcp_url() const { return "redis://127.0.0.1:" + std::to_string(port_); }

void RedisServer::start() {
  for (int attempt = 0; attempt < 5; ++attempt) {
    if (options_.tcp && (port_ == 0 || attempt > 0)) port_ = free_port();
    if (launch()) return;
  }
  throw std::runtime_error("redis-server does not start; its log is above");
}

bool RedisServer::launch() {
  std::vector<std::string> words{"redis-server",
                                 "--dir",
                                 folder_,
                                 "--unixsocket",
                                 folder_ + "/socket",
                                 "--port",
                                 std::to_string(port_),
                                 "--bind",
                                 "127.0.0.1",
                                 "--save",
                                 "",
                                 "--appendonly",
                                 options_.durable ? "yes" : "no",
                                 "--appendfsync",
                                 "always",
                                 "--logfile",
                                 folder_ + "/log",
                                 "--loglevel",
                                 "warning",
                                 "--daemonize",
                                 "no"};
  words.insert(words.end(), options_.more.begin(), options_.more.end());
  std::vector<char*> arguments;
  for (std::string& word : words) arguments.push_back(word.data());
  arguments.push_back(nullptr);
  unlink((folder_ + "/socket").c_str());

  const pid_t parent = getpid();
  process_ = fork();
  if (process_ == 0) {
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (getppid() != parent) _exit(1);
    execvp(arguments[0], arguments.data());
    _exit(127);
  }
  const auto deadline = std::chrono::steady_clock::now() + kDeadline;
  while (!answers()) {
    if (waitpid(process_, nullptr, WNOHANG) == process_) {
      process_ = -1;
      std::cerr << std::ifstream(folder_ + "/log").rdbuf();
      return false;
    }
    if (std::chrono::steady_clock::now() > deadline) throw std::runtime_error("redis-server does not answer");
    std::this_thread::sleep_for(std::chrono::milliseconds(2));
  }
  return true;
}

bool RedisServer::answers() const {
  const std::unique_ptr<redisContext, Close> context(redisConnectUnix((folder_ + "/socket").c_str()));
  if (!context || context->err) return false;
  const std::unique_ptr<redisReply, Close> reply(
      static_cast<redisReply*>(redisCommand(context.get(), "PING")));
  return reply && (reply->type == REDIS_REPLY_STATUS || std::string(reply->str).starts_with("NOAUTH"));
}

void RedisServer::kill() {
  if (process_ < 0) return;
  ::kill(process_, SIGKILL);
  waitpid(process_, nullptr, 0);
  process_ = -1;
}

void RedisServer::freeze() { ::kill(process_, SIGSTOP); }
void RedisServer::thaw() { ::kill(process_, SIGCONT); }

std::string RedisServer::ask(const std::vector<std::string>& words) const {
  const std::unique_ptr<redisContext, Close> context(redisConnectUnix((folder_ + "/socket").c_str()));
  std::vector<const char*> texts;
  std::vector<std::size_t> sizes;
  for (const std::string& word : words) {
    texts.push_back(word.data());
    sizes.push_back(word.size());
  }
  const std::unique_ptr<redisReply, Close> reply(static_cast<redisReply*>(
      redisCommandArgv(context.get(), int(words.size()), texts.data(), sizes.data())));
  if (!reply) throw std::runtime_error("redis-server is not there: " + std::string(context->errstr));
  if (reply->type == REDIS_REPLY_ERROR) ADD_FAILURE() << words[0] << ": " << reply->str;
  return lines(*reply);
}

}  // namespace campaign::test
