package dev.sluice.loop;

/** Told when a watched descriptor is ready. */
public interface Watcher {
    /** On the loop's thread; {@code events} are epoll bits. Edge-triggered: drain, or enqueue work that will. */
    void onReady(int events);
}
