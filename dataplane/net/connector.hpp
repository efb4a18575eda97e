// How links of one worker reach the database: its addresses, looked up in the background and kept
// for a short time, tried one after the other. This worker's thread only; the lookup itself runs on
// a thread of Asio's.
#pragma once

#include "dataplane/net/mailbox.hpp"

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>

namespace penstock::net {

using Addresses = std::vector<boost::asio::ip::tcp::endpoint>;

// The addresses that a link has yet to try.
struct ConnectAttempt {
    std::shared_ptr<const Addresses> addresses;
    std::size_t next = 0;
    std::string faults;  // of the addresses tried so far

    void note(const std::string& fault);  // of the address before `next`
};

// How a connection to a peer that vanished is noticed. Zero: the system's default.
struct TcpOptions {
    std::chrono::seconds keepalive_idle{60};
    std::chrono::seconds keepalive_interval{10};
    std::chrono::seconds user_timeout{120};
};

// A non-blocking socket that has begun to connect, or the fault in words.
struct Connecting {
    int fd = -1;
    std::string fault;
};
Connecting begin_connect(const boost::asio::ip::tcp::endpoint& address, const TcpOptions& options);

// What became of a connect once the socket is writable; empty: it stands.
std::string connect_fault(int fd);

// Keepalive, the longest wait for an acknowledgement, and no delay: for both sides.
void set_socket_options(int fd, const TcpOptions& options);

class Resolver {
 public:
    using TimePoint = std::chrono::steady_clock::time_point;
    // Addresses, or null and why.
    using Done = std::function<void(std::shared_ptr<const Addresses>, const std::string& fault)>;

    // lookups: run by anybody; what it finds comes back through the mailbox, which runs only while
    // this lives.
    Resolver(boost::asio::io_context& lookups, std::shared_ptr<Mailbox> mailbox)
        : resolver_(lookups), mailbox_(std::move(mailbox)) {}

    // What is known now, without waiting; null: call resolve(). A numeric host is always known.
    std::shared_ptr<const Addresses> known(
        const std::string& host, std::uint16_t port, TimePoint now
    );
    // Calls `done` later, never from inside. One lookup serves all who ask meanwhile.
    void resolve(const std::string& host, std::uint16_t port, Done done);
    // This address answered: it is tried first from now on.
    void prefer(const boost::asio::ip::tcp::endpoint& address);
    void cancel() { resolver_.cancel(); }

 private:
    // 10 s: a failover that moves a name is followed soon, and a burst of connects asks once.
    static constexpr std::chrono::seconds keep{10};

    struct Waiting {
        std::string key;  // host:port
        Done done;
    };
    void found(
        const std::string& host,
        std::uint16_t port,
        std::shared_ptr<const Addresses> addresses,
        const std::string& fault
    );
    void keep_addresses(
        const std::string& host, std::uint16_t port, std::shared_ptr<const Addresses> addresses
    );

    boost::asio::ip::tcp::resolver resolver_;
    std::shared_ptr<Mailbox> mailbox_;
    std::string host_;  // of addresses_
    std::uint16_t port_ = 0;
    std::shared_ptr<const Addresses> addresses_;
    std::optional<TimePoint> known_until_;  // nothing: for good
    std::vector<Waiting> waiting_;          // for lookups under way
};

}  // namespace penstock::net
