// The program of every link test: that it links is the test.
int main() {
  return 0;
}
