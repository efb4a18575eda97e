// One request to a proxy's ports, blocking: the whole answer, or in words why there is none.
#pragma once

#include "tests/support/await.hpp"
#include "tests/support/client_certificates.hpp"

#include <string>

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/read.hpp>
#include <boost/asio/ssl/stream.hpp>
#include <boost/asio/write.hpp>

namespace penstock::test {

// Requires: connected, and shaken hands.
template <class Stream>
std::string exchange_text(Stream& stream, const std::string& request) {
    boost::system::error_code error;
    std::string answer;
    boost::asio::write(stream, boost::asio::buffer(request), error);
    boost::asio::read(stream, boost::asio::dynamic_buffer(answer), error);
    return answer.empty() ? error.message() : answer;
}

inline std::string request_text(
    const std::string& method, const std::string& target, const std::string& body
) {
    return method + " " + target + " HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: " +
           std::to_string(body.size()) + "\r\n\r\n" + body;
}

inline std::string ask_plainly(std::uint16_t port, const std::string& target) {
    boost::asio::io_context context;
    boost::asio::ip::tcp::socket socket(context);
    boost::system::error_code error;
    socket.connect({boost::asio::ip::address_v4::loopback(), port}, error);
    return error ? error.message() : exchange_text(socket, request_text("GET", target, ""));
}

// certificate: with empty names none is shown.
inline std::string ask_over_tls(
    std::uint16_t port,
    const ClientCertificate& certificate,
    const std::string& target,
    const std::string& method = "GET",
    const std::string& body = ""
) {
    namespace ssl = boost::asio::ssl;
    boost::asio::io_context context;
    ssl::context tls(ssl::context::tls_client);
    if (!certificate.cert.empty()) {
        tls.use_certificate_chain_file(certificate.cert);
        tls.use_private_key_file(certificate.key, ssl::context::pem);
    }
    ssl::stream<boost::asio::ip::tcp::socket> stream(context, tls);
    boost::system::error_code error;
    stream.next_layer().connect({boost::asio::ip::address_v4::loopback(), port}, error);
    if (!error) stream.handshake(ssl::stream_base::client, error);
    return error ? error.message() : exchange_text(stream, request_text(method, target, body));
}

}  // namespace penstock::test
