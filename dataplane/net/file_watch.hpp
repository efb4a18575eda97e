// Says when files may have changed, however that was done: written in place, replaced by a rename,
// or swapped as Kubernetes swaps a mounted volume (the link "..data"). Watches their folders
// (inotify). One thread, that of its io_context.
#pragma once

#include <functional>
#include <map>
#include <set>
#include <string>

#include <boost/asio/io_context.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/steady_timer.hpp>

namespace penstock::net {

class FileWatch {
 public:
    // changed: called a moment after the last of a burst of changes.
    FileWatch(boost::asio::io_context& context, std::function<void()> changed);

    // Watches these from now on, and no others. False if the system refuses to watch one of them.
    // Where it begins to watch a folder, `changed` is called once too: the caller has read the file
    // before, and what was written in between made no event.
    bool watch(const std::set<std::string>& files);
    void stop();

 private:
    void wait();
    bool read_events();
    void tell();

    boost::asio::posix::stream_descriptor events_;
    boost::asio::steady_timer calm_;
    std::function<void()> changed_;
    std::map<int, std::set<std::string>> names_;  // by watched folder: the files' names in it
    std::map<std::string, int> folders_;
};

}  // namespace penstock::net
