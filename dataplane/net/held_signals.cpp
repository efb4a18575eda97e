#include "dataplane/net/held_signals.hpp"

#include <initializer_list>

#include <signal.h>

namespace penstock::net {

namespace {

void change(int how) {
    sigset_t signals;
    ::sigemptyset(&signals);
    for (const int signal : {SIGTERM, SIGINT, SIGHUP}) ::sigaddset(&signals, signal);
    ::pthread_sigmask(how, &signals, nullptr);
}

}  // namespace

void hold_signals() { change(SIG_BLOCK); }

void let_signals() { change(SIG_UNBLOCK); }

}  // namespace penstock::net
