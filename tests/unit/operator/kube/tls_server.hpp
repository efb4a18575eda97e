// A small HTTPS server on a free port of 127.0.0.1, a thread for each connection: what it answers
// is the test's own code.
#pragma once

#include "tests/support/certificates.hpp"

#include <atomic>
#include <cstdio>
#include <functional>
#include <list>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include <boost/asio/connect.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/ssl.hpp>
#include <boost/asio/write.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/http.hpp>
#include <openssl/x509.h>

namespace penstock::kube {

class TlsServer {
 public:
    using Tcp = boost::asio::ip::tcp;
    using Request = boost::beast::http::request<boost::beast::http::string_body>;

    // One connection, inside its handshake done.
    class Peer {
     public:
        Peer(Tcp::socket socket, boost::asio::ssl::context& context)
            : stream_(std::move(socket), context) {}

        bool handshake() {
            boost::system::error_code fault;
            stream_.handshake(boost::asio::ssl::stream_base::server, fault);
            return !fault;
        }
        // Nothing when the client has left.
        std::optional<Request> next() {
            Request request;
            boost::system::error_code fault;
            boost::beast::http::read(stream_, buffer_, request, fault);
            if (fault) return std::nullopt;
            return request;
        }
        bool write(const std::string& bytes) {
            boost::system::error_code fault;
            boost::asio::write(stream_, boost::asio::buffer(bytes), fault);
            return !fault;
        }
        void reply(int status, const std::string& body, const std::string& headers = "") {
            write(
                "HTTP/1.1 " + std::to_string(status) + " Some\r\nContent-Length: " +
                std::to_string(body.size()) + "\r\n" + headers + "\r\n" + body
            );
        }
        void chunk(const std::string& bytes) {
            char size[20];
            std::snprintf(size, sizeof size, "%zx\r\n", bytes.size());
            write(size + bytes + "\r\n");
        }
        // Blocks until the client has left.
        void await_end() {
            char byte = 0;
            boost::system::error_code fault;
            while (!fault) stream_.read_some(boost::asio::buffer(&byte, 1), fault);
        }
        std::string client_name() {
            const std::unique_ptr<X509, decltype(&X509_free)> shown(
                SSL_get1_peer_certificate(stream_.native_handle()), &X509_free
            );
            if (!shown) return "";
            char text[200] = "";
            X509_NAME_oneline(X509_get_subject_name(shown.get()), text, sizeof text);
            return text;
        }
        void cut() {
            boost::system::error_code ignored;
            stream_.lowest_layer().shutdown(Tcp::socket::shutdown_both, ignored);
        }

     private:
        boost::asio::ssl::stream<Tcp::socket> stream_;
        boost::beast::flat_buffer buffer_;
    };
    using Serve = std::function<void(Peer&)>;

    TlsServer(const test::Certificate& certificate, Serve serve)
        : serve_(std::move(serve)), acceptor_(io_, Tcp::endpoint(loopback(), 0)) {
        context_.use_certificate_chain_file(certificate.cert);
        context_.use_private_key_file(certificate.key, boost::asio::ssl::context::pem);
        context_.set_verify_mode(boost::asio::ssl::verify_peer);
        context_.set_verify_callback([](bool, boost::asio::ssl::verify_context&) { return true; });
        thread_ = std::thread([this] { accept(); });
    }
    ~TlsServer() {
        boost::system::error_code ignored;
        is_over_ = true;
        Tcp::socket(io_).connect(acceptor_.local_endpoint(), ignored);
        thread_.join();
        {
            const std::lock_guard lock(mutex_);
            for (Peer& peer : peers_) peer.cut();
        }
        for (std::thread& each : threads_) each.join();
    }
    TlsServer(const TlsServer&) = delete;
    TlsServer& operator=(const TlsServer&) = delete;

    std::string url() const {
        return "https://127.0.0.1:" + std::to_string(acceptor_.local_endpoint().port());
    }
    int connections() const { return connections_; }

 private:
    static boost::asio::ip::address loopback() { return boost::asio::ip::address_v4::loopback(); }

    void accept() {
        for (;;) {
            boost::system::error_code fault;
            Tcp::socket socket(io_);
            acceptor_.accept(socket, fault);
            if (fault || is_over_) return;
            ++connections_;
            const std::lock_guard lock(mutex_);
            Peer& peer = peers_.emplace_back(std::move(socket), context_);
            threads_.emplace_back([this, &peer] {
                if (peer.handshake()) serve_(peer);
                peer.cut();
            });
        }
    }

    Serve serve_;
    boost::asio::io_context io_{1};
    boost::asio::ssl::context context_{boost::asio::ssl::context::tls_server};
    Tcp::acceptor acceptor_;
    std::atomic<bool> is_over_{false};
    std::atomic<int> connections_{0};
    std::mutex mutex_;
    std::list<Peer> peers_;
    std::vector<std::thread> threads_;
    std::thread thread_;
};

}  // namespace penstock::kube
