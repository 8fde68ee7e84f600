// What of a DTLS handshake shows that its last part is on its way.
#include "viewer/dtls_record.hpp"

#include <gtest/gtest.h>

#include <vector>

namespace {

using campaign::viewer::has_encrypted_record;
using Datagram = std::vector<std::uint8_t>;

void append(Datagram& datagram, std::uint8_t type, std::uint8_t epoch, std::size_t size) {
  const std::uint8_t header[] = {
      type, 0xfe, 0xfd, 0, epoch, 0, 0, 0, 0, 0, 1, std::uint8_t(size >> 8), std::uint8_t(size)};
  datagram.insert(datagram.end(), std::begin(header), std::end(header));
  datagram.resize(datagram.size() + size, 0xff);
}

TEST(DtlsRecord, OnlyAFinishedIsEncrypted) {
  Datagram hello, change_and_finished;
  append(hello, 22, 0, 300);
  EXPECT_FALSE(has_encrypted_record(hello));
  append(hello, 20, 0, 1);
  EXPECT_FALSE(has_encrypted_record(hello));
  append(change_and_finished, 20, 0, 1);
  append(change_and_finished, 22, 1, 48);
  EXPECT_TRUE(has_encrypted_record(change_and_finished));
}

TEST(DtlsRecord, ReadsNothingBeyondItsDatagram) {
  Datagram whole;
  append(whole, 22, 0, 20);
  append(whole, 22, 1, 20);
  for (std::size_t size = 0; size <= whole.size(); ++size) {
    const Datagram part(whole.begin(), whole.begin() + std::ptrdiff_t(size));  // so that a sanitizer sees it
    EXPECT_EQ(has_encrypted_record(part), size >= 33 + 13) << size;
  }
}

}  // namespace
