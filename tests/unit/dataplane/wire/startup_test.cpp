#include "dataplane/wire/startup.hpp"

#include "dataplane/wire/bytes.hpp"
#include "tests/support/messages.hpp"

#include <gtest/gtest.h>

namespace penstock::wire {
namespace {

using test::bytes;

// A packet: its length, then `body`.
std::string packet(std::string_view body) {
    std::string out;
    append_u32(out, static_cast<std::uint32_t>(body.size() + 4));
    return out.append(body);
}

std::string version(std::uint32_t major, std::uint32_t minor) {
    std::string out;
    append_u32(out, major << 16U | minor);
    return out;
}

std::string cancel(std::size_t key_bytes) {
    std::string out;
    write_cancel_request(out, 77, std::string(key_bytes, 'k'));
    return out;
}

TEST(Startup, ReadsWhatItWrites) {
    std::string out;
    write_startup_message(out, 2, {{"user", "app"}, {"database", "orders"}, {"options", ""}});
    const std::size_t size = out.size();
    out += "more";
    const StartupPacket read = read_startup(out);
    EXPECT_EQ(read.kind, StartupKind::StartupMessage);
    EXPECT_EQ(read.size, size);
    EXPECT_EQ(read.protocol_minor, 2U);
    ASSERT_EQ(read.parameters.size(), 3U);
    EXPECT_EQ(read.parameters[0].first, "user");
    EXPECT_EQ(read.parameters[0].second, "app");
    EXPECT_EQ(read.parameters[2].first, "options");
    EXPECT_EQ(read.parameters[2].second, "");
}

TEST(Startup, NeedsMoreAtEveryPrefixOfAPacket) {
    std::string startup;
    write_startup_message(startup, 0, {{"user", "app"}});
    std::string ssl;
    write_ssl_request(ssl);
    for (const std::string& whole : {startup, ssl, cancel(4)}) {
        for (std::size_t size = 0; size < whole.size(); ++size) {
            EXPECT_EQ(read_startup(whole.substr(0, size)).kind, StartupKind::NeedMore) << size;
        }
        EXPECT_NE(read_startup(whole).kind, StartupKind::NeedMore);
        EXPECT_NE(read_startup(whole).kind, StartupKind::Fault);
    }
}

TEST(Startup, TellsRequests) {
    std::string ssl;
    write_ssl_request(ssl);
    EXPECT_EQ(ssl, bytes("\0\0\0\x08\x04\xd2\x16\x2f"));
    EXPECT_EQ(read_startup(ssl).kind, StartupKind::SSLRequest);
    EXPECT_EQ(read_startup(ssl).size, 8U);
    EXPECT_EQ(read_startup(bytes("\0\0\0\x08\x04\xd2\x16\x30")).kind, StartupKind::GSSENCRequest);
    EXPECT_EQ(read_startup("\x16").kind, StartupKind::DirectTls);
    EXPECT_EQ(read_startup("\x16\x03\x01").kind, StartupKind::DirectTls);
    EXPECT_EQ(read_startup("\x16\x03\x01").size, 0U);
}

TEST(Startup, CancelKeysHave4To256Bytes) {
    const std::string shortest = cancel(4);
    const StartupPacket read = read_startup(shortest);
    EXPECT_EQ(read.kind, StartupKind::CancelRequest);
    EXPECT_EQ(read.size, 16U);
    EXPECT_EQ(read.process_id, 77U);
    EXPECT_EQ(read.cancel_key, "kkkk");
    const std::string longer = cancel(32);
    EXPECT_EQ(read_startup(longer).cancel_key, std::string(32, 'k'));
    EXPECT_EQ(read_startup(cancel(256)).kind, StartupKind::CancelRequest);
    EXPECT_EQ(read_startup(cancel(0)).kind, StartupKind::Fault);
    EXPECT_EQ(read_startup(cancel(3)).kind, StartupKind::Fault);
    EXPECT_EQ(read_startup(cancel(257)).kind, StartupKind::Fault);
    EXPECT_EQ(read_startup(packet(version(1234, 5678))).kind, StartupKind::Fault);
}

TEST(Startup, RefusesBadLengthsBeforeTheBodyArrives) {
    for (const std::string& length :
         {bytes("\0\0\0\0"),
          bytes("\0\0\0\x01"),
          bytes("\0\0\0\x04"),
          bytes("\0\0\0\x07"),
          bytes("\0\0\x27\x15"),
          bytes("\x7f\xff\xff\xff"),
          bytes("\xff\xff\xff\xff"),
          bytes("\x80\0\0\0"),
          bytes("GET ")}) {
        const StartupPacket read = read_startup(length);
        EXPECT_EQ(read.kind, StartupKind::Fault);
        EXPECT_EQ(read.sql_state, "08P01");
        EXPECT_EQ(read.fault, "") << "PostgreSQL closes without a word";
    }
    EXPECT_EQ(read_startup(bytes("\0\0\x27\x14")).kind, StartupKind::NeedMore);
}

TEST(Startup, AdmitsTheLongestPacket) {
    std::string body = version(3, 0) + bytes("user\0");
    body += std::string(startup_body_max - body.size() - 2, 'u') + bytes("\0\0");
    EXPECT_EQ(read_startup(packet(body)).kind, StartupKind::StartupMessage);
}

TEST(Startup, RefusesBadLayouts) {
    for (const std::string& body :
         {std::string{},
          bytes("user"),
          bytes("user\0"),
          bytes("user\0app"),
          bytes("user\0app\0"),
          bytes("user\0app\0\0\0"),
          bytes("user\0app\0\0x"),
          bytes("\0\0"),
          bytes("\0user\0app\0\0"),
          bytes("user\0app\0\0user\0evil\0\0"),
          bytes("x")}) {
        const StartupPacket read = read_startup(packet(version(3, 0) + body));
        EXPECT_EQ(read.kind, StartupKind::Fault) << body;
        EXPECT_EQ(read.sql_state, "08P01");
        EXPECT_EQ(read.fault, "invalid startup packet layout: expected terminator as last byte");
    }
    EXPECT_EQ(read_startup(packet(version(3, 0) + bytes("\0"))).kind, StartupKind::StartupMessage);
}

TEST(Startup, RefusesRequestsWithABody) {
    EXPECT_EQ(read_startup(packet(version(1234, 5679) + "x")).kind, StartupKind::Fault);
    EXPECT_EQ(read_startup(packet(version(1234, 5680) + "x")).kind, StartupKind::Fault);
}

TEST(Startup, RefusesOtherMajorVersions) {
    for (const std::uint32_t major : {0U, 1U, 2U, 4U, 1234U, 65535U}) {
        const StartupPacket read = read_startup(packet(version(major, 7) + bytes("\0")));
        EXPECT_EQ(read.kind, StartupKind::Fault);
        EXPECT_EQ(read.sql_state, "0A000");
        EXPECT_EQ(
            read.fault,
            "unsupported frontend protocol " + std::to_string(major) +
                ".7: server supports 3.0 to 3.2"
        );
    }
}

TEST(Startup, WritesNegotiateProtocolVersion) {
    std::string out;
    write_negotiate_protocol_version(out, 2, {"_pq_.a", "_pq_.b"});
    EXPECT_EQ(out, test::message('v', bytes("\0\x03\0\x02\0\0\0\x02_pq_.a\0_pq_.b\0")));
}

}  // namespace
}  // namespace penstock::wire
