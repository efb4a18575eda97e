// Work that any thread hands to one worker. The worker's thread runs it, in the order of its
// coming; what is never run goes with the mailbox.
#pragma once

#include "dataplane/net/unique_fd.hpp"

#include <memory>
#include <mutex>
#include <utility>
#include <vector>

namespace penstock::net {

class Mailbox {
 public:
    Mailbox();

    // Any thread. body: called once, with nothing; need not be copyable.
    template <class Body>
    void post(Body body) {
        add(std::make_unique<LetterOf<Body>>(std::move(body)));
    }

    // The owner's thread. Readable while there is something to run (eventfd(2)).
    int fd() const { return fd_.get(); }
    // Runs what is there now; what that posts is for the next time.
    void run();

 private:
    struct Letter {
        virtual ~Letter() = default;
        virtual void run() = 0;
    };
    template <class Body>
    struct LetterOf final : Letter {
        explicit LetterOf(Body given) : body(std::move(given)) {}
        void run() override { body(); }
        Body body;
    };
    void add(std::unique_ptr<Letter> letter);

    UniqueFd fd_;
    std::mutex mutex_;
    std::vector<std::unique_ptr<Letter>> letters_;
};

}  // namespace penstock::net
