// By which certificates an answer lets its sender be known.
#include "viewer/certificate.hpp"

#include <gtest/gtest.h>

#include "tests/support/session_description.hpp"

namespace campaign::viewer {
namespace {

using test::kSession;
using test::parse;

// Any bytes will do for a certificate: "abc", whose hashes are the examples of FIPS 180-2, appendices B.1 and
// D.1, and of RFC 1321 and 3174.
const std::string kPem = "-----BEGIN CERTIFICATE-----\nYWJj\n-----END CERTIFICATE-----\n";
const std::string kOther = "-----BEGIN CERTIFICATE-----\nYWJk\n-----END CERTIFICATE-----\n";
const std::string kSha256 =
    "sha-256 BA:78:16:BF:8F:01:CF:EA:41:41:40:DE:5D:AE:22:23:B0:03:61:A3:96:17:7A:9C:B4:10:FF:61:F2:00:15:AD";
const std::string kSha384 =
    "sha-384 cb:00:75:3f:45:a3:5e:8b:b5:a0:3d:69:9a:c6:50:07:27:2c:32:ab:0e:de:d1:63:1a:8b:60:5a:43:ff:5b:ed:"
    "80:86:07:2b:a1:e7:cc:23:58:ba:ec:a1:34:c8:25:a7";
const std::string kSha1 = "sha-1 A9:99:3E:36:47:06:81:6A:BA:3E:25:71:78:50:C2:6C:9C:D0:D8:9D";
const std::string kMd5 = "md5 90:01:50:98:3C:D2:4F:B0:D6:96:3F:7D:28:E1:7F:72";
const std::string kMedia = "m=video 9 UDP/TLS/RTP/SAVPF 96\r\n";

bool knows(const std::string& pem, const std::string& in_session, const std::string& in_media) {
  const auto line = [](const std::string& value) {
    return value.empty() ? "" : "a=fingerprint:" + value + "\r\n";
  };
  const auto answer = parse(kSession + line(in_session) + kMedia + line(in_media));
  return AnsweredCertificates(answer.get()).include(pem);
}

TEST(AnsweredCertificates, OneThatIsNamedIsKnown) {
  EXPECT_TRUE(knows(kPem, "", kSha256));
  EXPECT_TRUE(knows(kPem, "", kSha384));
  EXPECT_TRUE(knows(kPem, kSha256, ""));
}

TEST(AnsweredCertificates, AnotherIsNot) {
  EXPECT_FALSE(knows(kOther, "", kSha256));
  EXPECT_FALSE(knows(kOther, kSha256, ""));
}

TEST(AnsweredCertificates, WhatTheMediaSaysCountsForIt) {
  std::string wrong = kSha256;
  wrong.replace(8, 2, "00");
  EXPECT_FALSE(knows(kPem, kSha256, wrong));
  EXPECT_TRUE(knows(kPem, wrong, kSha256));
}

TEST(AnsweredCertificates, HashesThatCanBeForgedAndNoHashesMakeNobodyKnown) {
  for (const std::string& value :
       {kSha1, kMd5, std::string(), std::string("sha-256"), std::string("sha-256 "),
        std::string("sha-256 BA:78"), kSha256 + ":AD", "sha-512" + kSha256.substr(7)})
    EXPECT_FALSE(knows(kPem, "", value)) << value;
  EXPECT_FALSE(AnsweredCertificates().include(kPem));
}

TEST(AnsweredCertificates, WhatIsNoCertificateIsNotKnown) {
  for (const char* pem : {"", "YWJj", "-----BEGIN CERTIFICATE-----\nYWJj\n",
                          "-----END CERTIFICATE-----\nYWJj\n-----BEGIN CERTIFICATE-----\n",
                          "-----BEGIN CERTIFICATE-----\n-----END CERTIFICATE-----\n"})
    EXPECT_FALSE(knows(pem, "", kSha256)) << pem;
}

}  // namespace
}  // namespace campaign::viewer
