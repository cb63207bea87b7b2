// Ctrl-Enter (or Cmd-Enter) runs the statement; everything else works without a script.

const statement = document.getElementById("statement");
statement.addEventListener("keydown", (event) => {
  if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) {
    event.preventDefault();
    statement.form.requestSubmit();
  }
});
