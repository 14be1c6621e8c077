// A click on a head sorts the rows by that column, a second click the other way round.
for (const head of document.querySelectorAll("th")) {
  head.addEventListener("click", () => {
    const body = head.closest("table").tBodies[0];
    const sign = head.dataset.sign === "1" ? -1 : 1;
    head.dataset.sign = sign;
    const key = (row) => {
      const cell = row.cells[head.cellIndex];
      const text = cell.dataset.value ?? cell.textContent;
      const number = parseFloat(text.replace(/,/g, ""));
      return { text, number: Number.isNaN(number) ? -Infinity : number };
    };
    const compare = (a, b) => (a.number !== b.number ? (a.number < b.number ? -1 : 1) : a.text.localeCompare(b.text));
    const rows = [...body.rows].map((row) => ({ row, key: key(row) }));
    rows.sort((a, b) => sign * compare(a.key, b.key));
    body.append(...rows.map((item) => item.row));
  });
}
