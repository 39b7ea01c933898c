package dev.sluice.cli.view;

import java.io.IOException;
import java.nio.file.AccessDeniedException;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.FileSystemException;
import java.nio.file.NoSuchFileException;

/** What is wrong with a file, and what to do: of some troubles the JDK tells the path and no more. */
public final class FileTrouble {
    private FileTrouble() {}

    /** Only what is wrong, where the path was told already. */
    public static String reason(IOException e) {
        return switch (e) {
            case NoSuchFileException _ -> "there is no such file or folder";
            case AccessDeniedException _ -> "permission denied";
            case FileSystemException file when file.getReason() == null -> file.toString();
            default -> e.getMessage() == null ? e.toString() : String.valueOf(e.getMessage());
        };
    }

    /** In words, whatever went wrong. */
    public static String words(IOException e) {
        return switch (e) {
            case NoSuchFileException file -> file.getFile() + ": no such file or folder; choose another";
            case AccessDeniedException file -> file.getFile() + ": permission denied; choose one that is yours";
            case FileAlreadyExistsException file ->
                file.getFile() + " is something else already; remove it, or choose another";
            case FileSystemException file when file.getReason() == null -> file.toString();
            default -> e.getMessage() == null ? e.toString() : String.valueOf(e.getMessage());
        };
    }
}
