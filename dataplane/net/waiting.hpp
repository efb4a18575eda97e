// A proxy whose files are not all good yet (`--wait`): it says on its ports what it lacks, takes
// grants for later, and reads again when a file changes. On the control thread, from the start of
// the process until Control takes over.
#pragma once

#include "dataplane/net/console.hpp"
#include "dataplane/net/file_watch.hpp"
#include "dataplane/net/grant_desk.hpp"

#include <optional>
#include <string>
#include <vector>

#include <boost/asio/signal_set.hpp>
#include <boost/asio/steady_timer.hpp>

namespace penstock::net {

class Waiting {
 public:
    enum class End {
        Good,          // reading() has a configuration
        Asked,         // by a signal
        CannotListen,  // it is logged why
    };

    Waiting(Console& console, std::string config_path, const Identity& identity);

    // first: without a configuration. Returns when the wait is over.
    End run(Reading first);
    // After Good.
    const Reading& reading() const { return reading_; }
    // The last grant that was taken meanwhile.
    const std::optional<api::Grant>& grant() const { return desk_.grant(); }

 private:
    void consider(Reading reading);
    void read_again();
    void end(End how);
    void wait_for_signal();
    AdminPages pages();
    api::Report report() const;
    void log_new_faults();

    Console& console_;
    const std::string config_path_;
    const Identity& identity_;
    api::DataplaneConfig document_;  // the last that could be read
    pool::Board board_;
    GrantDesk desk_;
    FileWatch watch_;
    boost::asio::signal_set signals_;
    boost::asio::steady_timer poll_;
    Reading reading_;
    std::vector<std::string> faults_;  // of the last reading
    End how_ = End::Asked;
    bool is_over_ = false;
};

}  // namespace penstock::net
