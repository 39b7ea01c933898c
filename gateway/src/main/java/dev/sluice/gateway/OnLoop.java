package dev.sluice.gateway;

import java.io.IOException;
import java.util.concurrent.Callable;

/** Runs tasks on the loop and waits for them. */
interface OnLoop {
    <T> T call(Callable<T> task) throws IOException;
}
