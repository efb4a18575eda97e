#include "operator/kube/cpprest_transport.hpp"

#include "tests/support/await.hpp"
#include "tests/support/temp_dir.hpp"
#include "tests/unit/operator/kube/tls_server.hpp"

#include <chrono>
#include <future>

#include <gmock/gmock.h>

namespace penstock::kube {
namespace {

using namespace std::chrono_literals;
using runtime::Method;
using runtime::Request;
using runtime::Response;
using testing::HasSubstr;
using Peer = TlsServer::Peer;

class TransportTest : public testing::Test {
 protected:
    void serve(TlsServer::Serve serve) {
        server_ = std::make_unique<TlsServer>(certificate_, std::move(serve));
        credentials_.server = server_->url();
        credentials_.origin = "the test";
        credentials_.ca.file = certificate_.cert;
    }
    CpprestTransport& transport() {
        if (!transport_)
            transport_ = std::make_unique<CpprestTransport>(io_, credentials_, settings_);
        return *transport_;
    }
    Response ask(const Request& request) {
        Response answer{-1, "nothing came", {}, ""};
        transport().send(request, [&](Response response) {
            answer = std::move(response);
            io_.stop();
        });
        run();
        return answer;
    }
    void run(std::chrono::milliseconds limit = 20s) {
        io_.restart();
        io_.run_for(limit);
    }
    // Answers each request of a connection with 200 and what was asked.
    static void echo(Peer& peer) {
        while (const auto request = peer.next()) {
            std::string text;
            text = std::string(request->method_string()) + " " + std::string(request->target());
            for (const char* name : {"Authorization", "User-Agent", "Content-Type"})
                text += "\n" + std::string((*request)[name]);
            peer.reply(200, text + "\n" + request->body());
        }
    }

    test::TempDir folder_;
    test::Certificate certificate_ = test::make_certificate(folder_, "server", "api");
    std::unique_ptr<TlsServer> server_;
    boost::asio::io_context io_{1};
    Credentials credentials_;
    TransportSettings settings_{.user_agent = "penstock-operator/1"};
    std::unique_ptr<CpprestTransport> transport_;
};

TEST_F(TransportTest, CarriesMethodTargetHeadersAndBody) {
    serve(&echo);
    credentials_.token.text = "secret";
    const Response answer = ask(
        {Method::Patch,
         "/api/v1/namespaces/a/pods/b",
         {{"fieldManager", "x y"}, {"labelSelector", "a=b,c"}},
         "application/apply-patch+yaml",
         "{\"a\":\"\u00fc\"}"}
    );
    EXPECT_EQ(
        answer,
        (Response{
            200,
            "",
            {},
            "PATCH /api/v1/namespaces/a/pods/b?fieldManager=x%20y&labelSelector=a%3Db%2Cc\n"
            "Bearer secret\npenstock-operator/1\napplication/apply-patch+yaml\n{\"a\":\"\u00fc\"}"})
    ) << answer.body
      << answer.fault;
}

TEST_F(TransportTest, KeepsConnectionsAndSendsAgainWhenTheServerHasClosedOne) {
    constexpr int requests = 20;
    std::atomic<int> settled = 0;  // requests, with what the server does after them
    serve([&](Peer& peer) {
        for (int served = 0; served < 2 && peer.next(); ++served) {
            peer.reply(200, "{}");
            if (served == 1) peer.cut();
            ++settled;
        }
    });
    for (int i = 1; i <= requests; ++i) {
        const Response answer = ask({Method::Patch, "/a", {}, "application/json", "{}"});
        ASSERT_EQ(answer.status, 200) << answer.fault;
        ASSERT_TRUE(test::await([&] { return settled == i; }));
    }
    EXPECT_LT(server_->connections(), requests);
}

// As an API server does that ends: every kept connection is a stale one.
TEST_F(TransportTest, AsksOnANewConnectionWhenTheServerHasClosedThemAll) {
    constexpr int together = 4;
    std::atomic<int> asked = 0;
    std::atomic<int> closed = 0;
    serve([&](Peer& peer) {
        while (peer.next()) {
            const bool is_early = ++asked <= together;
            if (is_early) test::await([&] { return asked >= together; });
            peer.reply(200, "{}");
            if (!is_early) continue;
            // All have their answers, and their connections are kept.
            test::await([&] { return asked > together; });
            peer.cut();
            ++closed;
            return;
        }
    });
    const Request patch{Method::Patch, "/a", {}, "application/json", "{}"};
    int answers = 0;
    for (int i = 0; i < together; ++i) {
        transport().send(patch, [&](const Response& response) {
            EXPECT_EQ(response.status, 200) << response.fault;
            if (++answers == together) io_.stop();
        });
    }
    run();
    ASSERT_EQ(answers, together);
    asked = together + 1;
    ASSERT_TRUE(test::await([&] { return closed == together; }));
    const Response answer = ask(patch);
    EXPECT_EQ(answer.status, 200) << answer.fault;
}

TEST_F(TransportTest, RefusalsComeWithStatusBodyAndRetryAfter) {
    serve([](Peer& peer) {
        while (peer.next()) peer.reply(429, "{\"kind\":\"Status\"}", "Retry-After: 7\r\n");
    });
    EXPECT_EQ(
        ask({Method::Get, "/a", {}, {}, {}}), (Response{429, "", 7s, "{\"kind\":\"Status\"}"})
    );
}

TEST_F(TransportTest, RedirectsAreNotFollowed) {
    serve([](Peer& peer) {
        while (peer.next()) peer.reply(302, "", "Location: https://127.0.0.1:1/\r\n");
    });
    EXPECT_EQ(ask({Method::Get, "/a", {}, {}, {}}).status, 302);
}

TEST_F(TransportTest, NobodyListeningIsAFaultThatNamesTheServer) {
    serve(&echo);
    server_.reset();
    const Response answer = ask({Method::Get, "/a", {}, {}, {}});
    EXPECT_EQ(answer.status, 0);
    EXPECT_THAT(answer.fault, HasSubstr(credentials_.server));
}

TEST_F(TransportTest, ServerOfAnotherAuthorityIsNotTrusted) {
    serve(&echo);
    credentials_.ca.file = test::make_certificate(folder_, "other", "api").cert;
    const Response answer = ask({Method::Get, "/a", {}, {}, {}});
    EXPECT_EQ(answer.status, 0);
    EXPECT_THAT(answer.fault, HasSubstr("the certificate authority of the test"));
}

TEST_F(TransportTest, MissingAuthorityFileIsNamed) {
    serve(&echo);
    credentials_.ca.file = folder_.path("nowhere");
    const Response answer = ask({Method::Get, "/a", {}, {}, {}});
    EXPECT_EQ(answer.status, 0);
    EXPECT_THAT(answer.fault, HasSubstr(folder_.path("nowhere")));
}

TEST_F(TransportTest, ShowsItsClientCertificate) {
    serve([](Peer& peer) {
        while (peer.next()) peer.reply(200, peer.client_name());
    });
    const auto mine = test::make_certificate(folder_, "client", "me");
    credentials_.client_certificate.file = mine.cert;
    credentials_.client_key.file = mine.key;
    EXPECT_THAT(ask({Method::Get, "/a", {}, {}, {}}).body, HasSubstr("CN=me"));
}

TEST_F(TransportTest, TokenThatIsRefusedIsReadAgain) {
    serve([](Peer& peer) {
        while (const auto request = peer.next())
            peer.reply((*request)["Authorization"] == "Bearer new" ? 200 : 401, "{}");
    });
    credentials_.token.file = folder_.write("token", "new\n");
    EXPECT_EQ(ask({Method::Get, "/a", {}, {}, {}}).status, 200);
    folder_.write("token", "old");
    transport_.reset();
    EXPECT_EQ(ask({Method::Get, "/a", {}, {}, {}}).status, 401);
    folder_.write("token", "new");
    EXPECT_EQ(ask({Method::Get, "/a", {}, {}, {}}).status, 200);
}

TEST_F(TransportTest, SilentServerIsGivenUp) {
    serve([](Peer& peer) { peer.await_end(); });
    settings_.unary_idle = 100ms;
    const Response answer = ask({Method::Get, "/a", {}, {}, {}});
    EXPECT_EQ(answer.status, 0);
    EXPECT_NE(answer.fault, "");
}

TEST_F(TransportTest, AnswerThatNeverEndsIsGivenUp) {
    serve([](Peer& peer) {
        peer.next();
        peer.write("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n");
        peer.chunk("x");
        peer.await_end();
    });
    settings_.unary_whole = 300ms;
    const Response answer = ask({Method::Get, "/a", {}, {}, {}});
    EXPECT_EQ(answer.status, 0);
    EXPECT_THAT(answer.fault, HasSubstr("no whole answer"));
}

TEST_F(TransportTest, ManyAtOnceAreEachAnsweredOnce) {
    serve(&echo);
    int answers = 0;
    for (int i = 0; i < 50; ++i) {
        transport().send({Method::Get, "/" + std::to_string(i), {}, {}, {}}, [&, i](Response r) {
            EXPECT_THAT(r.body, HasSubstr("GET /" + std::to_string(i) + "\n")) << r.fault;
            if (++answers == 50) io_.stop();
        });
    }
    run();
    EXPECT_EQ(answers, 50);
}

TEST_F(TransportTest, DestroyedTransportDoesNotCall) {
    serve([](Peer& peer) { peer.await_end(); });
    transport().send({Method::Get, "/a", {}, {}, {}}, [](Response) { FAIL(); });
    transport().stream(
        {Method::Get, "/a", {}, {}, {}}, [](std::string_view) { FAIL(); }, [](Response) { FAIL(); }
    );
    transport_.reset();
    run(100ms);
}

class StreamTest : public TransportTest {
 protected:
    static void begin(Peer& peer) {
        peer.next();
        peer.write("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n");
    }
    Transport::StreamId open() {
        return transport().stream(
            {Method::Get, "/watch", {{"watch", "true"}}, {}, {}},
            [this](std::string_view bytes) {
                bytes_ += bytes;
                io_.stop();
            },
            [this](Response response) {
                end_ = std::move(response);
                io_.stop();
            }
        );
    }
    void run_until(std::string_view bytes) {
        while (bytes_ != bytes && !end_ && run_one()) {
        }
        EXPECT_EQ(bytes_, bytes);
    }
    bool run_one() {
        io_.restart();
        return io_.run_one_for(20s) > 0;
    }
    std::string bytes_;
    std::optional<Response> end_;
};

TEST_F(StreamTest, PiecesComeAsTheyArriveAndTheEndOnce) {
    std::promise<void> first;
    std::promise<void> second;
    serve([&](Peer& peer) {
        begin(peer);
        first.get_future().wait();
        peer.chunk("{\"a\":1}\n");
        second.get_future().wait();
        peer.chunk("{\"b\"");
        peer.chunk(":2}\n");
        peer.chunk("");
        peer.await_end();
    });
    open();
    first.set_value();
    const auto sent = std::chrono::steady_clock::now();
    run_until("{\"a\":1}\n");
    EXPECT_LT(std::chrono::steady_clock::now() - sent, 5s);
    EXPECT_FALSE(end_);
    second.set_value();
    while (!end_ && run_one()) {
    }
    EXPECT_EQ(bytes_, "{\"a\":1}\n{\"b\":2}\n");
    ASSERT_TRUE(end_);
    EXPECT_EQ(*end_, (Response{200, "", {}, ""}));
}

TEST_F(StreamTest, RefusalComesAsTheEnd) {
    serve([](Peer& peer) {
        while (peer.next()) peer.reply(410, "{\"code\":410}");
    });
    open();
    run();
    ASSERT_TRUE(end_);
    EXPECT_EQ(*end_, (Response{410, "", {}, "{\"code\":410}"}));
    EXPECT_EQ(bytes_, "");
}

TEST_F(StreamTest, CutConnectionIsAFault) {
    serve([](Peer& peer) {
        begin(peer);
        peer.chunk("x\n");
        peer.cut();
    });
    open();
    while (!end_ && run_one()) {
    }
    ASSERT_TRUE(end_);
    EXPECT_EQ(end_->status, 0);
    EXPECT_NE(end_->fault, "");
}

TEST_F(StreamTest, SilenceBeyondTheIdleTimeIsAFault) {
    serve([](Peer& peer) {
        begin(peer);
        peer.await_end();
    });
    settings_.watch_idle = 200ms;
    open();
    run();
    ASSERT_TRUE(end_);
    EXPECT_EQ(end_->status, 0);
}

TEST_F(StreamTest, CancelledStreamClosesItsConnectionAndSaysNothingMore) {
    std::promise<void> left;
    serve([&](Peer& peer) {
        begin(peer);
        peer.chunk("x\n");
        peer.await_end();
        left.set_value();
    });
    const auto id = open();
    run_until("x\n");
    transport().cancel(id);
    transport().cancel(id + 1);
    EXPECT_EQ(left.get_future().wait_for(10s), std::future_status::ready);
    run(50ms);
    EXPECT_FALSE(end_);
}

TEST_F(StreamTest, StreamMayBeCancelledFromItsOwnCallback) {
    serve([&](Peer& peer) {
        begin(peer);
        peer.chunk("x\n");
        peer.await_end();
    });
    int calls = 0;
    Transport::StreamId id = 0;
    id = transport().stream(
        {Method::Get, "/watch", {}, {}, {}},
        [&](std::string_view) {
            ++calls;
            transport().cancel(id);
        },
        [](Response) { FAIL(); }
    );
    run();
    EXPECT_EQ(calls, 1);
}

}  // namespace
}  // namespace penstock::kube
