// campaignsink's HTTP and WebSocket side, against clients that mean well and clients that do not.
#include <fcntl.h>
#include <gst/gst.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <string>
#include <vector>

#include "serving_pipeline.hpp"
#include "test_viewer.hpp"
#include "wait.hpp"
#include "websocket_client.hpp"

namespace campaign::test {
namespace {

using nlohmann::json;

class Signalling : public testing::Test {
 protected:
  void SetUp() override { ASSERT_TRUE(server_.play()); }

  // The error that `client` gets for `text`; everything before it is skipped.
  static std::string error_for(WebSocketClient& client, const std::string& text) {
    client.received.clear();
    client.send_text(text);
    const json error = client.wait_for("error", 5);
    return error.is_null() ? "none" : error["code"].get<std::string>();
  }

  ServingPipeline server_{ServingPipeline::small("max-viewers=4")};
};

TEST_F(Signalling, WelcomesWithAnAssignedPeerWhenNoneIsGiven) {
  WebSocketClient client(server_.port(), "?campaign=0&context=test");
  const json welcome = client.wait_for("welcome");
  ASSERT_FALSE(welcome.is_null());
  EXPECT_FALSE(welcome["peer"].get<std::string>().empty());
  EXPECT_TRUE(welcome["iceServers"].is_array());
  EXPECT_FALSE(client.wait_for("offer").is_null());
}

TEST_F(Signalling, AnswersPing) {
  WebSocketClient client(server_.port());
  client.send({{"type", "ping"}});
  EXPECT_FALSE(client.wait_for("pong").is_null());
}

TEST_F(Signalling, RefusesEveryBadMessagePreciselyAndKeepsTheConnection) {
  TestViewer other(server_.port(), {"?peer=other", true, true});
  ASSERT_TRUE(other.wait_for_frames(1));
  WebSocketClient client(server_.port(), "?peer=rude");
  ASSERT_FALSE(client.wait_for("offer").is_null());
  EXPECT_EQ(error_for(client, "hello"), "bad-message");
  EXPECT_EQ(error_for(client, "[]"), "bad-message");
  EXPECT_EQ(error_for(client, std::string(60000, '[')), "bad-message");
  EXPECT_EQ(error_for(client, R"({"type":"dance"})"), "unknown-type");
  EXPECT_EQ(error_for(client, R"({"type":"answer"})"), "bad-message");
  EXPECT_EQ(error_for(client, R"({"type":"answer","sdp":"hello"})"), "bad-message");
  EXPECT_EQ(error_for(client, R"({"type":"answer","sdp":"v=0\r\n"})"), "bad-message");
  EXPECT_EQ(error_for(client, R"({"type":"ice","candidate":"x","sdpMLineIndex":3})"), "bad-message");
  EXPECT_EQ(error_for(client, R"({"type":"subscribe","campaign":"nope","quality":"auto"})"),
            "unknown-campaign");
  EXPECT_EQ(error_for(client, R"({"type":"subscribe","campaign":"0","quality":"nope"})"), "unknown-quality");
  EXPECT_EQ(error_for(client, R"({"type":"control","event":"mouse-move","x":2,"y":0})"), "bad-message");
  client.received.clear();
  client.send_binary("\x00\xff");
  EXPECT_EQ(client.wait_for("error")["code"], "bad-message");
  EXPECT_TRUE(client.is_open());
  EXPECT_TRUE(other.wait_for_frames(15));
}

TEST_F(Signalling, AnAnswerThatDoesNotFitEndsThatViewerOnly) {
  TestViewer other(server_.port(), {"?peer=other", true, true});
  ASSERT_TRUE(other.wait_for_frames(1));
  WebSocketClient client(server_.port(), "?peer=odd");
  ASSERT_FALSE(client.wait_for("offer").is_null());
  client.send(
      {{"type", "answer"},
       {"sdp", "v=0\r\no=- 1 1 IN IP4 0.0.0.0\r\ns=-\r\nt=0 0\r\nm=video 9 UDP/TLS/RTP/SAVPF 96\r\n"}});
  const json error = client.wait_for("error");
  ASSERT_FALSE(error.is_null());
  EXPECT_EQ(error["code"], "negotiation-failed") << error;
  EXPECT_TRUE(client.wait_closed());
  EXPECT_EQ(client.close_code(), 4502);
  EXPECT_TRUE(other.wait_for_frames(15));
}

std::string replaced(std::string text, const std::string& what, const std::string& with) {
  const auto at = text.find(what);
  EXPECT_NE(at, text.npos) << what << " is not in " << text;
  if (at != text.npos) text.replace(at, what.size(), with);
  return text;
}

TEST_F(Signalling, AnAnswerThatTakesNoVideoIsToldSoAtOnce) {
  TestViewer other(server_.port(), {"?peer=other", true, true});
  ASSERT_TRUE(other.wait_for_frames(1));
  const struct {
    const char *what, *with, *says;
  } cases[] = {{"m=video 9", "m=video 0", "does not take H264"},
               {"a=recvonly", "a=inactive", "must be recvonly"},
               {"96 H264/90000", "96 VP8/90000", "does not take H264"}};
  for (const auto& answer : cases) {
    TestViewer viewer(server_.port(), {"?peer=choosy", true, true, [&](std::string sdp) {
                                         return replaced(std::move(sdp), answer.what, answer.with);
                                       }});
    const json error = viewer.socket().wait_for("error", 5);
    ASSERT_FALSE(error.is_null()) << answer.with;
    EXPECT_EQ(error["code"], "video-refused") << error;
    EXPECT_NE(error["message"].get<std::string>().find(answer.says), std::string::npos) << error;
    EXPECT_TRUE(viewer.socket().wait_closed()) << answer.with;
    EXPECT_EQ(viewer.socket().close_code(), 4415) << answer.with;
    EXPECT_EQ(viewer.packets(), 0u) << answer.with;
  }
  EXPECT_TRUE(other.wait_for_frames(15));
}

// Who answers is shown the picture, and not who comes to the port.
TEST_F(Signalling, NothingIsSentToAnotherCertificateThanTheAnswers) {
  TestViewer viewer(server_.port(), {"?peer=other-end", true, true, [](std::string sdp) {
                                       const auto digits = sdp.find("a=fingerprint:sha-256 ") + 22;
                                       sdp[digits] = sdp[digits] == '0' ? '1' : '0';
                                       return sdp;
                                     }});
  const json error = viewer.socket().wait_for("error", 10);
  ASSERT_FALSE(error.is_null());
  EXPECT_EQ(error["code"], "negotiation-failed") << error;
  EXPECT_NE(error["message"].get<std::string>().find("certificate"), std::string::npos) << error;
  EXPECT_TRUE(viewer.socket().wait_closed());
  EXPECT_EQ(viewer.socket().close_code(), 4502);
  EXPECT_EQ(viewer.packets(), 0u);
}

TEST_F(Signalling, TakesOneAnswerOnly) {
  TestViewer viewer(server_.port(), {"?peer=eager", true, true});
  ASSERT_TRUE(viewer.wait_for_frames(1));
  EXPECT_EQ(error_for(viewer.socket(), R"({"type":"answer","sdp":"v=0\r\n"})"), "wrong-order");
  EXPECT_TRUE(viewer.wait_for_frames(15));
}

TEST_F(Signalling, ClosesOnAnOversizedMessageAndSaysWhy) {
  WebSocketClient client(server_.port());
  ASSERT_FALSE(client.wait_for("welcome").is_null());
  client.send_text("{\"type\":\"ping\",\"x\":\"" + std::string(70000, 'x') + "\"}");
  const json error = client.wait_for("error");
  ASSERT_FALSE(error.is_null());
  EXPECT_EQ(error["code"], "too-large");
  EXPECT_TRUE(client.wait_closed());
  EXPECT_EQ(client.close_code(), 4413);
}

// Ten frames of 30 KiB, none of them final: each is small, their sum is not.
TEST_F(Signalling, ClosesOnAMessageThatGrowsByFragments) {
  GSocketClient* client = g_socket_client_new();
  GSocketConnection* connection =
      g_socket_client_connect_to_host(client, "127.0.0.1", guint16(server_.port()), nullptr, nullptr);
  ASSERT_TRUE(connection);
  g_socket_set_timeout(g_socket_connection_get_socket(connection), 10);
  GOutputStream* out = g_io_stream_get_output_stream(G_IO_STREAM(connection));
  GInputStream* in = g_io_stream_get_input_stream(G_IO_STREAM(connection));
  const auto write = [&](const std::string& bytes) {
    return g_output_stream_write_all(out, bytes.data(), bytes.size(), nullptr, nullptr, nullptr);
  };
  const std::string host = "127.0.0.1:" + std::to_string(server_.port());
  ASSERT_TRUE(write("GET /ws HTTP/1.1\r\nHost: " + host +
                    "\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
                    "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"));
  std::string seen;
  char buffer[4096];
  gssize got = 0;
  while (seen.find("welcome") == std::string::npos &&
         (got = g_input_stream_read(in, buffer, sizeof buffer, nullptr, nullptr)) > 0)
    seen.append(buffer, std::size_t(got));
  ASSERT_NE(seen.find("101 Switching"), std::string::npos);

  constexpr unsigned kPiece = 30 * 1024;
  bool writable = true;
  for (int i = 0; i < 10 && writable; ++i) {
    std::string frame;
    frame += char(i == 0 ? 0x01 : 0x00);  // text, then continuations; never FIN
    frame += char(0x80 | 126);            // masked, 16-bit length
    frame += char(kPiece >> 8);
    frame += char(kPiece & 0xff);
    frame += std::string(4, '\0');  // the mask
    frame += std::string(kPiece, 'x');
    writable = write(frame);
  }
  seen.clear();
  while ((got = g_input_stream_read(in, buffer, sizeof buffer, nullptr, nullptr)) > 0)
    seen.append(buffer, std::size_t(got));
  EXPECT_NE(seen.find("too-large"), std::string::npos);
  EXPECT_TRUE(wait_until([&] { return server_.viewers() == 0; }));
  g_object_unref(connection);
  g_object_unref(client);
}

TEST_F(Signalling, ClosesOnAFlood) {
  WebSocketClient client(server_.port());
  ASSERT_FALSE(client.wait_for("welcome").is_null());
  for (int i = 0; i < 2000; ++i) client.send_text(R"({"type":"ping"})");
  const json error = client.wait_for("error");
  ASSERT_FALSE(error.is_null());
  EXPECT_EQ(error["code"], "rate-limited");
  EXPECT_TRUE(client.wait_closed());
  EXPECT_EQ(client.close_code(), 4429);
  EXPECT_TRUE(wait_until([&] { return server_.viewers() == 0; }));
}

struct RefusedQuery {
  const char* query;
  const char* code;
  unsigned short close_code;
  const char* says;
};

TEST_F(Signalling, RefusesAtTheDoorWithAReasonAPageCanRead) {
  const RefusedQuery cases[] = {
      {"?campaign=nope", "unknown-campaign", 4404, "there is: 0"},
      {"?campaign=a%20b", "bad-id", 4400, "campaign"},
      {"?campaign=0&peer=%3Cscript%3E", "bad-id", 4400, "peer"},
      {"?campaign=0&peer=12345678901234567890123456789012345678901234567890123456789012345", "bad-id", 4400,
       "64"},
  };
  for (const auto& refused : cases) {
    WebSocketClient client(server_.port(), refused.query);
    const json error = client.wait_for("error");
    ASSERT_FALSE(error.is_null()) << refused.query;
    EXPECT_EQ(error["code"], refused.code) << refused.query;
    EXPECT_NE(error["message"].get<std::string>().find(refused.says), std::string::npos) << error;
    EXPECT_TRUE(client.wait_closed()) << refused.query;
    EXPECT_EQ(client.close_code(), refused.close_code) << refused.query;
  }
  EXPECT_EQ(server_.viewers(), 0u);
}

TEST_F(Signalling, RefusesOneViewerTooMany) {
  std::vector<std::unique_ptr<WebSocketClient>> seated;
  for (int i = 0; i < 4; ++i) {
    seated.push_back(std::make_unique<WebSocketClient>(server_.port(), "?peer=p" + std::to_string(i)));
    ASSERT_FALSE(seated.back()->wait_for("welcome").is_null());
  }
  WebSocketClient standing(server_.port());
  EXPECT_EQ(standing.wait_for("error")["code"], "too-many-viewers");
  EXPECT_TRUE(standing.wait_closed());
  EXPECT_EQ(standing.close_code(), 4503);
  // A viewer that reconnects keeps its own place.
  WebSocketClient again(server_.port(), "?peer=p0");
  EXPECT_FALSE(again.wait_for("welcome").is_null());
  seated.clear();
  EXPECT_TRUE(wait_until([&] { return server_.viewers() == 1; }));
  WebSocketClient next(server_.port());
  EXPECT_FALSE(next.wait_for("welcome").is_null());
}

TEST_F(Signalling, RefusesForeignOriginsBeforeTheUpgrade) {
  WebSocketClient foreign(server_.port(), "", "http://evil.example");
  EXPECT_EQ(foreign.refused_status(), 403u);
  const std::string own = "http://127.0.0.1:" + std::to_string(server_.port());
  WebSocketClient same(server_.port(), "", own.c_str());
  EXPECT_FALSE(same.wait_for("welcome").is_null());
}

TEST_F(Signalling, ServesThePageAndNothingElse) {
  const auto page = http(server_.port(), "GET", "/?campaign=0");
  EXPECT_EQ(page.status, 200u);
  EXPECT_EQ(page.content_type, "text/html");
  EXPECT_NE(page.body.find("<video"), std::string::npos);
  for (const char* header : {"Content-Security-Policy: default-src 'none'", "X-Content-Type-Options: nosniff",
                             "Cache-Control: no-cache", "Connection: close"})
    EXPECT_NE(page.header_dump.find(header), std::string::npos) << page.header_dump;

  const auto head = http(server_.port(), "HEAD", "/");
  EXPECT_EQ(head.status, 200u);
  EXPECT_TRUE(head.body.empty());
  EXPECT_NE(head.header_dump.find("Content-Length: " + std::to_string(page.body.size())), std::string::npos);

  const auto health = http(server_.port(), "GET", "/healthz");
  EXPECT_EQ(health.status, 200u);
  EXPECT_EQ(json::parse(health.body)["status"], "ok");

  for (const char* path : {"/nope", "/../etc/passwd", "/%2e%2e/secret", "/index.html/", "/ws/x"}) {
    const auto missing = http(server_.port(), "GET", path);
    EXPECT_EQ(missing.status, 404u) << path;
    EXPECT_EQ(json::parse(missing.body)["error"]["code"], "not-found") << path;
  }
  EXPECT_EQ(http(server_.port(), "GET", "/nope", "text/html").content_type, "text/html");
  EXPECT_EQ(http(server_.port(), "POST", "/").status, 405u);
  EXPECT_EQ(http(server_.port(), "GET", "/ws").status, 426u);
}

// Whether the server has ended it, which says nothing else.
bool is_ended(int connection) {
  char byte;
  return recv(connection, &byte, 1, MSG_DONTWAIT) == 0;
}

TEST_F(Signalling, ConnectionsThatSayNothingAreEndedAndAQuietViewerIsNot) {
  TestViewer viewer(server_.port(), {"?peer=quiet", true, true});
  ASSERT_TRUE(viewer.wait_for_frames(1));
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(guint16(server_.port()));
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  std::vector<int> mute;
  for (const std::string_view said : {"", "GET /ws?campaign=0 HT"}) {
    mute.push_back(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
    ASSERT_EQ(connect(mute.back(), reinterpret_cast<sockaddr*>(&address), sizeof address), 0);
    ASSERT_EQ(send(mute.back(), said.data(), said.size(), 0), ssize_t(said.size()));
  }
  EXPECT_TRUE(wait_until([&] { return std::ranges::all_of(mute, is_ended); }, 20));
  EXPECT_TRUE(viewer.wait_for_frames(15));
  EXPECT_TRUE(viewer.socket().is_open());
  for (const int connection : mute) close(connection);
}

// Somebody comes for whom no descriptor is left, and is taken as soon as there is one.
TEST_F(Signalling, TakesConnectionsAgainAfterItHadNoDescriptorForOne) {
  const int client = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(guint16(server_.port()));
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  rlimit before{};
  ASSERT_EQ(getrlimit(RLIMIT_NOFILE, &before), 0);
  rlimit few = before;
  few.rlim_cur = 256;
  ASSERT_EQ(setrlimit(RLIMIT_NOFILE, &few), 0);
  std::vector<int> taken;
  for (int file = 0; (file = open("/dev/null", O_RDONLY | O_CLOEXEC)) >= 0;) taken.push_back(file);
  EXPECT_EQ(errno, EMFILE);
  const int connected = connect(client, reinterpret_cast<sockaddr*>(&address), sizeof address);
  g_usleep(100'000);  // for the server to try; where it has not, this shows nothing
  for (const int file : taken) close(file);
  setrlimit(RLIMIT_NOFILE, &before);
  ASSERT_EQ(connected, 0);
  const std::string request = "GET /healthz HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n";
  ASSERT_EQ(send(client, request.data(), request.size(), 0), ssize_t(request.size()));
  const timeval patience{5, 0};
  setsockopt(client, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
  char answer[64] = {};
  EXPECT_GT(recv(client, answer, sizeof answer - 1, 0), 0);
  EXPECT_TRUE(std::string(answer).starts_with("HTTP/1.1 200 OK")) << answer;
  close(client);
}

TEST(SignallingBeforePlaying, ViewersAreToldToTryAgain) {
  ServingPipeline server(ServingPipeline::small());
  ASSERT_NE(gst_element_set_state(server.pipeline(), GST_STATE_PAUSED), GST_STATE_CHANGE_FAILURE);
  WebSocketClient client(server.port());
  EXPECT_EQ(client.wait_for("error")["code"], "not-ready");
  EXPECT_TRUE(client.wait_closed());
  EXPECT_EQ(client.close_code(), 4503);
}

TEST(SignallingOrigins, ListedOriginsMayConnect) {
  ServingPipeline server(ServingPipeline::small("allowed-origins=https://a.example,https://b.example"));
  ASSERT_TRUE(server.play());
  WebSocketClient listed(server.port(), "", "https://b.example");
  EXPECT_FALSE(listed.wait_for("welcome").is_null());
  WebSocketClient unlisted(server.port(), "", "https://c.example");
  EXPECT_EQ(unlisted.refused_status(), 403u);
}

TEST(SignallingIce, ServersReachTheViewer) {
  ServingPipeline server(ServingPipeline::small(
      "stun-server=stun://127.0.0.1:3478 turn-servers=turn://user:pass@127.0.0.1:3479"));
  ASSERT_TRUE(server.play());
  WebSocketClient client(server.port());
  EXPECT_EQ(client.wait_for("welcome")["iceServers"], json::parse(R"([{"urls":["stun:127.0.0.1:3478"]},
                            {"urls":["turn:127.0.0.1:3479"],"username":"user","credential":"pass"}])"));
}

}  // namespace
}  // namespace campaign::test
